/*
 * Workers that are forked while other threads give resolvers to configurations: c_fork FORKS. Each does the same in its turn, in
 * time.
 */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c_check.h"

#define THREADS 8
#define LIMIT_S 20

static volatile int ended;

/* Opens the source of a number, gives it to a configuration, and frees both. */
static void apply(long number) {
    char source[128];
    kafka_emr_resolver_t *emr;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    snprintf(source, sizeof(source), "emr://%ld?release=3.10&emr-worker-1=127.0.0.1", 48742 + number % 100);
    emr = open_source(source);
    CHECK(kafka_emr_resolver_callback(emr, errstr, sizeof(errstr)) != NULL);
    kafka_emr_resolver_free(emr);
    emr = open_source(source);
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    kafka_emr_resolver_free(emr);
    rd_kafka_conf_destroy(conf);
}

static void *applies(void *first) {
    long number = *(const long *)first;

    while (!ended) {
        apply(number++);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    long first[THREADS];
    long forks;
    long i;

    CHECK(argc == 2);
    forks = strtol(argv[1], NULL, 10);
    CHECK(forks > 0);
    for (i = 0; i < THREADS; i++) {
        first[i] = i * 10;
        CHECK(pthread_create(&threads[i], NULL, applies, &first[i]) == 0);
    }
    for (i = 0; i < forks; i++) {
        const pid_t child = fork();
        int status;

        CHECK(child >= 0);
        if (child == 0) {
            alarm(LIMIT_S);
            apply(i);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        if (status != 0) {
            fprintf(stderr, "worker %ld ended with status %d\n", i, status);
            return 1;
        }
    }
    ended = 1;
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    printf("%ld workers\n", forks);
    return 0;
}
