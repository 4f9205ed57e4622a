/*
 * Threads that are cancelled inside the library end after its call, and the program does not: c_cancelled SOURCE, which is a
 * file.
 */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include "c_check.h"

typedef int (*lookup_t)(const kafka_emr_resolver_t *, const char *, const char *, const struct addrinfo *,
                        struct addrinfo **);

static const char *source;
static kafka_emr_resolver_t *emr;
static kafka_emr_resolve_cb_t callback;
static lookup_t lookup;
static const char *name;

/* The next cancellation point ends the thread: libc's getaddrinfo has some, and whatever opens a file. */
static void cancel(void) {
    int before;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before) == 0 && pthread_cancel(pthread_self()) == 0);
    CHECK(pthread_setcancelstate(before, &before) == 0);
}

static void *opens(void *unused) {
    cancel();
    kafka_emr_resolver_free(kafka_emr_resolver_open(source, NULL, 0));
    pthread_testcancel();
    return unused;
}

static void *looks_up(void *unused) {
    struct addrinfo *list;
    cancel();
    if (lookup(emr, name, "9092", NULL, &list) == 0) {
        kafka_emr_freeaddrinfo(list);
    }
    pthread_testcancel();
    return unused;
}

static void *calls_back(void *unused) {
    struct addrinfo *list;
    cancel();
    if (callback(name, "9092", NULL, &list, NULL) == 0) {
        callback(NULL, NULL, NULL, &list, NULL);
    }
    pthread_testcancel();
    return unused;
}

static void ends_cancelled(void *(*run)(void *)) {
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

int main(int argc, char **argv) {
    static const lookup_t lookups[] = {kafka_emr_getaddrinfo, kafka_emr_lookup, kafka_emr_program_lookup};
    static const char *const names[] = {"emr-worker-1.cluster-48742", "emr-worker-9.cluster-48742", "localhost",
                                        "no-such-host.invalid", "127.0.0.1"};
    size_t i, n;

    CHECK(argc == 2);
    source = argv[1];
    emr = open_source(source);
    callback = kafka_emr_resolver_callback(emr, errstr, sizeof(errstr));
    CHECK(callback != NULL);
    ends_cancelled(opens);
    for (n = 0; n < sizeof(names) / sizeof(*names); n++) {
        name = names[n];
        for (i = 0; i < sizeof(lookups) / sizeof(*lookups); i++) {
            lookup = lookups[i];
            ends_cancelled(looks_up);
        }
        ends_cancelled(calls_back);
    }
    kafka_emr_resolver_free(emr);
    printf("all have ended\n");
    return 0;
}
