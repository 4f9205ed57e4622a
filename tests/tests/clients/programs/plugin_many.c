/*
 * Many clients of several clusters in one process, by the plugin: plugin_many LIBRARY ONE TOPIC_OF_ONE OTHER
 * TOPIC_OF_OTHER. Each client has to find its own cluster's topic, and not the other's.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#define CLIENTS 50
/* How many resolvers have a callback at a time, and more than that. */
#define SLOTS 1024
#define SOURCES 1100

static char errstr[512];

static void fail(const char *what, int i) {
    fprintf(stderr, "%d: %s: %s\n", i, what, errstr);
    exit(1);
}

static rd_kafka_conf_t *new_conf(const char *library) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "plugin.library.paths", library, errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK) {
        fail("the plugin", 0);
    }
    return conf;
}

static rd_kafka_t *new_client(const char *library, const char *source, int i) {
    rd_kafka_conf_t *conf = new_conf(library);
    rd_kafka_t *client;
    if (rd_kafka_conf_set(conf, "emr.cluster", source, errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "group.id", "many", errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK ||
        (client = rd_kafka_new(i % 2 ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr))) == NULL) {
        fail("a client", i);
    }
    return client;
}

/* A source like no other. */
static const char *inline_source(int i) {
    static char source[128];
    sprintf(source, "emr://48742?release=EMR-3.10.1&emr-worker-1=127.0.%d.%d", i / 250, i % 250 + 1);
    return source;
}

/* Sources at the same time, while those of both clusters are in use: some are too many, which are refused. */
static void run_out(const char *library) {
    static rd_kafka_conf_t *confs[SOURCES];
    int i;

    for (i = 0; i < SOURCES; i++) {
        rd_kafka_conf_res_t result;
        confs[i] = new_conf(library);
        *errstr = '\0';
        result = rd_kafka_conf_set(confs[i], "emr.cluster", inline_source(i), errstr, sizeof(errstr));
        if ((result == RD_KAFKA_CONF_OK) != (i < SLOTS - 2) || (result != RD_KAFKA_CONF_OK && !strstr(errstr, "1024"))) {
            fail("running out", i);
        }
    }
    for (i = 0; i < SOURCES; i++) {
        rd_kafka_conf_destroy(confs[i]);
    }
}

static void check(rd_kafka_t *client, const char *mine, const char *others, int i) {
    const struct rd_kafka_metadata *metadata;
    int has_mine = 0;
    int has_others = 0;
    int topic;
    if (rd_kafka_metadata(client, 1, NULL, &metadata, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail("finds no brokers", i);
    }
    for (topic = 0; topic < metadata->topic_cnt; topic++) {
        has_mine |= strcmp(metadata->topics[topic].topic, mine) == 0;
        has_others |= strcmp(metadata->topics[topic].topic, others) == 0;
    }
    rd_kafka_metadata_destroy(metadata);
    if (!has_mine || has_others) {
        fail("is at the other cluster", i);
    }
}

int main(int argc, char **argv) {
    rd_kafka_t *clients[CLIENTS];
    int i;

    if (argc != 6) {
        return 2;
    }
    for (i = 0; i < CLIENTS; i++) {
        clients[i] = new_client(argv[1], argv[2 + i / 2 % 2 * 2], i);
    }
    for (i = 0; i < CLIENTS; i++) {
        const int other = i / 2 % 2;
        check(clients[i], argv[other ? 5 : 3], argv[other ? 3 : 5], i);
    }
    run_out(argv[1]);
    /* One after the other, while the others live. */
    for (i = 0; i < SOURCES; i++) {
        rd_kafka_destroy(new_client(argv[1], inline_source(i), i));
    }
    for (i = 0; i < CLIENTS; i++) {
        rd_kafka_destroy(clients[i]);
    }
    puts("each at its own");
    return 0;
}
