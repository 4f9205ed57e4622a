/*
 * The log of a librdkafka program: plugin_log PLUGIN SOURCE SERVERS LOG [PROPERTY=VALUE]… SERVERS are none of the source's, so
 * that the plugin warns. LOG is "own" for a log_cb of the program's, "null" for none, or "default". Waits until a client has
 * failed to connect, destroys it, and prints the lines of facility KAFKAEMR that its log_cb got.
 */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

#define LIMIT_S 60

static char errstr[512];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const rd_kafka_t *client;
static int destroyed;
static int errors;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void on_log(const rd_kafka_t *of, int level, const char *facility, const char *message) {
    pthread_mutex_lock(&mutex);
    if (destroyed) {
        fail("a line after the client was destroyed", message);
    }
    if (strcmp(facility, "KAFKAEMR") == 0) {
        if (client != NULL && of != client) {
            fail("a line of another client", message);
        }
        if (strcmp((const char *)rd_kafka_opaque(of), "the program's") != 0) {
            fail("another opaque", message);
        }
        if (rd_kafka_name(of)[0] == '\0') {
            fail("a line before the client has its name", message);
        }
        printf("log %d %s\n", level, message);
    }
    pthread_mutex_unlock(&mutex);
}

static void on_error(rd_kafka_t *of, int error, const char *reason, void *opaque) {
    (void)of;
    (void)reason;
    (void)opaque;
    errors += error == RD_KAFKA_RESP_ERR__RESOLVE;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    if (rd_kafka_conf_set(conf, name, value, errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK) {
        fail(name, errstr);
    }
}

int main(int argc, char **argv) {
    static char opaque[] = "the program's";
    const time_t end = time(NULL) + LIMIT_S;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *made;
    int i;

    if (argc < 5) {
        return 2;
    }
    if (strcmp(argv[4], "own") == 0) {
        rd_kafka_conf_set_log_cb(conf, on_log);
    } else if (strcmp(argv[4], "null") == 0) {
        rd_kafka_conf_set_log_cb(conf, NULL);
    }
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, opaque);
    set(conf, "plugin.library.paths", argv[1]);
    set(conf, "emr.cluster", argv[2]);
    set(conf, "bootstrap.servers", argv[3]);
    for (i = 5; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL) {
            return 2;
        }
        *equals = '\0';
        set(conf, argv[i], equals + 1);
    }
    made = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    if (made == NULL) {
        fail("rd_kafka_new", errstr);
    }
    pthread_mutex_lock(&mutex);
    client = made;
    pthread_mutex_unlock(&mutex);
    while (errors == 0) {
        rd_kafka_poll(made, 100);
        if (time(NULL) > end) {
            fail("waiting", "no name failed to resolve");
        }
    }
    rd_kafka_destroy(made);
    pthread_mutex_lock(&mutex);
    destroyed = 1;
    pthread_mutex_unlock(&mutex);
    puts("ended");
    return 0;
}
