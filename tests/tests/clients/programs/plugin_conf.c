/*
 * A librdkafka program that knows nothing of kafka-emr: plugin_conf STEP…, in their order. A step is a property as
 * name=value, or name= for none, or one of these:
 *
 *   :secure        fails unless the system gives this program more rights than its caller has
 *   :despite       goes on although the next property must be refused
 *   :callback      sets a resolve callback of the program's own
 *   :dup           goes on with a copy of the configuration, and destroys the original
 *   :without=A,B   goes on with a copy without the properties whose names start so, and destroys the original
 *   :keep          goes on with a copy, and keeps the original for :back
 *   :back          goes on with the one that was kept last, and destroys the present one
 *   :servers       prints bootstrap.servers
 *   :dies          makes a client that must not find its brokers
 *   :client        makes one that must, of a copy, prints what it found, and destroys it
 *   :open          makes one of a copy, which lives to the end; several may
 *   :until=TOPIC   waits until it sees the topic
 *   :again=TOPIC   makes clients, one after the other, each of which must find its brokers, until one sees the topic
 */

#define _GNU_SOURCE

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

#define LIMIT_S 60
#define MANY 8

static char errstr[512];

static void fail(const char *step, const char *why) {
    fprintf(stderr, "%s: %s\n", step, why);
    exit(1);
}

static int own_callback(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res,
                        void *opaque) {
    (void)node;
    (void)service;
    (void)hints;
    (void)opaque;
    *res = NULL;
    return EAI_FAIL;
}

static rd_kafka_t *new_client(const rd_kafka_conf_t *conf) {
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, copy, errstr, sizeof(errstr));
    if (client == NULL) {
        fail("rd_kafka_new", errstr);
    }
    return client;
}

/* Prints what the client's cluster has, where it answers in time, and says whether the topic is there. */
static int look(rd_kafka_t *client, int timeout_ms, const char *topic, int *answered) {
    const struct rd_kafka_metadata *metadata;
    int found = 0;
    int i;

    *answered = rd_kafka_metadata(client, 1, NULL, &metadata, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!*answered) {
        return 0;
    }
    if (topic == NULL) {
        for (i = 0; i < metadata->broker_cnt; i++) {
            printf("broker %s:%d\n", metadata->brokers[i].host, metadata->brokers[i].port);
        }
    }
    for (i = 0; i < metadata->topic_cnt; i++) {
        if (topic == NULL) {
            printf("topic %s\n", metadata->topics[i].topic);
        } else {
            found |= strcmp(metadata->topics[i].topic, topic) == 0;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return found;
}

int main(int argc, char **argv) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_t *kept[MANY];
    rd_kafka_t *open[MANY];
    int keeps = 0;
    int despite = 0;
    int opens = 0;
    int answered = 0;
    int i;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (i = 1; i < argc; i++) {
        const char *step = argv[i];
        char *equals = strchr(argv[i], '=');
        const time_t end = time(NULL) + LIMIT_S;
        rd_kafka_t *client;

        if (equals != NULL) {
            *equals++ = '\0';
        }
        if (*step != ':') {
            const char *value = equals != NULL && *equals != '\0' ? equals : NULL;
            const int set = rd_kafka_conf_set(conf, step, value, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK;
            if (set && despite) {
                fail(step, "it is not refused");
            }
            if (!set) {
                printf("refused: %s: %s\n", step, errstr);
            }
            if (!set && !despite) {
                rd_kafka_conf_destroy(conf);
                return 1;
            }
            despite = 0;
        } else if (strcmp(step, ":despite") == 0) {
            despite = 1;
        } else if (strcmp(step, ":secure") == 0) {
            if (getauxval(AT_SECURE) == 0) {
                fail(step, "this program has no more rights than its caller");
            }
        } else if (strcmp(step, ":callback") == 0) {
            rd_kafka_conf_set_resolve_cb(conf, own_callback);
        } else if (strcmp(step, ":dup") == 0) {
            rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
            rd_kafka_conf_destroy(conf);
            conf = copy;
        } else if (strcmp(step, ":without") == 0 && equals != NULL && strchr(equals, ',') != NULL) {
            const char *filter[2];
            rd_kafka_conf_t *copy;
            filter[0] = equals;
            filter[1] = strchr(equals, ',') + 1;
            *strchr(equals, ',') = '\0';
            copy = rd_kafka_conf_dup_filter(conf, 2, filter);
            rd_kafka_conf_destroy(conf);
            conf = copy;
        } else if (strcmp(step, ":keep") == 0 && keeps < MANY) {
            kept[keeps++] = conf;
            conf = rd_kafka_conf_dup(conf);
        } else if (strcmp(step, ":back") == 0 && keeps > 0) {
            rd_kafka_conf_destroy(conf);
            conf = kept[--keeps];
        } else if (strcmp(step, ":servers") == 0) {
            char servers[512] = "";
            size_t size = sizeof(servers);
            rd_kafka_conf_get(conf, "bootstrap.servers", servers, &size);
            printf("servers %s\n", servers);
        } else if (strcmp(step, ":client") == 0 || strcmp(step, ":dies") == 0) {
            const int lives = strcmp(step, ":client") == 0;
            client = new_client(conf);
            look(client, lives ? LIMIT_S * 1000 : 1000, NULL, &answered);
            if (answered != lives) {
                fail(step, answered ? "it has found brokers" : "it has found no broker");
            }
            rd_kafka_destroy(client);
        } else if (strcmp(step, ":open") == 0 && opens < MANY) {
            open[opens++] = new_client(conf);
        } else if (strcmp(step, ":until") == 0 && equals != NULL && opens > 0) {
            while (!look(open[opens - 1], 1000, equals, &answered)) {
                if (time(NULL) > end) {
                    fail(step, "the topic does not come");
                }
            }
            printf("until %s\n", equals);
        } else if (strcmp(step, ":again") == 0 && equals != NULL) {
            int found;
            do {
                client = new_client(conf);
                found = look(client, LIMIT_S * 1000, equals, &answered);
                rd_kafka_destroy(client);
                if (!answered || time(NULL) > end) {
                    fail(step, answered ? "the topic does not come" : "a client has found no broker");
                }
            } while (!found);
            printf("again %s\n", equals);
        } else {
            fail(step, "no such step here");
        }
    }
    while (opens > 0) {
        rd_kafka_destroy(open[--opens]);
    }
    rd_kafka_conf_destroy(conf);
    while (keeps > 0) {
        rd_kafka_conf_destroy(kept[--keeps]);
    }
    return 0;
}
