/*
 * Threads apply one source at once, each with a resolver of its own that it frees right after: c_race ROUNDS. Each configuration
 * resolves the cluster's name all the same. Each round has a source of its own.
 */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include "c_check.h"

#define THREADS 64

static pthread_barrier_t barrier;
static char source[128];

static void *apply(void *slot) {
    kafka_emr_resolver_t *emr = open_source(source);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    pthread_barrier_wait(&barrier);
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    kafka_emr_resolver_free(emr);
    *(rd_kafka_conf_t **)slot = conf;
    return NULL;
}

/* librdkafka shows the callback as a number. */
static kafka_emr_resolve_cb_t callback_of(const rd_kafka_conf_t *conf) {
    char shown[64];
    size_t size = sizeof(shown);
    kafka_emr_resolve_cb_t callback;
    void *address;

    CHECK(rd_kafka_conf_get(conf, "resolve_cb", shown, &size) == RD_KAFKA_CONF_OK);
    CHECK(sscanf(shown, "%p", &address) == 1);
    memcpy(&callback, &address, sizeof(callback));
    return callback;
}

int main(int argc, char **argv) {
    static pthread_t threads[THREADS];
    static rd_kafka_conf_t *confs[THREADS];
    long rounds;
    long round;
    int i;

    CHECK(argc == 2);
    rounds = strtol(argv[1], NULL, 10);
    CHECK(rounds > 0);
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (round = 0; round < rounds; round++) {
        snprintf(source, sizeof(source), "emr://%ld?release=3.10&emr-worker-1=127.0.0.1", 48742 + round);
        for (i = 0; i < THREADS; i++) {
            CHECK(pthread_create(&threads[i], NULL, apply, &confs[i]) == 0);
        }
        for (i = 0; i < THREADS; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
        }
        for (i = 0; i < THREADS; i++) {
            const kafka_emr_resolve_cb_t callback = callback_of(confs[i]);
            struct addrinfo *list = NULL;
            char name[64];

            snprintf(name, sizeof(name), "emr-worker-1.cluster-%ld", 48742 + round);
            CHECK(callback(name, "9092", NULL, &list, NULL) == 0);
            callback(NULL, NULL, NULL, &list, NULL);
            rd_kafka_conf_destroy(confs[i]);
        }
    }
    pthread_barrier_destroy(&barrier);
    printf("%ld rounds\n", rounds);
    return 0;
}
