/*
 * Two copies of librdkafka in one process, neither with global symbols, each with the plugin and a cluster of its own:
 * plugin_two PLUGIN LIBRDKAFKA SOURCE TOPIC LIBRDKAFKA SOURCE TOPIC.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

/* Functions of one copy. ISO C has no cast from a pointer to a function, so they are copied. */
struct copy {
    void *library;
    rd_kafka_t *client;
};

static char errstr[512];

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

#define FUNCTION(copy, name)                                                                                           \
    do {                                                                                                               \
        void *found = dlsym((copy)->library, #name);                                                                   \
        if (found == NULL) {                                                                                           \
            fail("dlsym", #name);                                                                                      \
        }                                                                                                              \
        memcpy(&name##_f, &found, sizeof(found));                                                                      \
    } while (0)

static void start(struct copy *copy, const char *path, const char *plugin, const char *source) {
    rd_kafka_conf_t *(*rd_kafka_conf_new_f)(void);
    rd_kafka_conf_res_t (*rd_kafka_conf_set_f)(rd_kafka_conf_t *, const char *, const char *, char *, size_t);
    rd_kafka_t *(*rd_kafka_new_f)(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t);
    rd_kafka_conf_t *conf;

    copy->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (copy->library == NULL) {
        fail("dlopen", dlerror());
    }
    FUNCTION(copy, rd_kafka_conf_new);
    FUNCTION(copy, rd_kafka_conf_set);
    FUNCTION(copy, rd_kafka_new);
    conf = rd_kafka_conf_new_f();
    if (rd_kafka_conf_set_f(conf, "plugin.library.paths", plugin, errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set_f(conf, "emr.cluster", source, errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK) {
        fail("rd_kafka_conf_set", errstr);
    }
    copy->client = rd_kafka_new_f(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    if (copy->client == NULL) {
        fail("rd_kafka_new", errstr);
    }
}

/* Looks at the cluster, destroys the client, and closes its librdkafka. */
static void finish(struct copy *copy, const char *topic) {
    rd_kafka_resp_err_t (*rd_kafka_metadata_f)(rd_kafka_t *, int, rd_kafka_topic_t *, const struct rd_kafka_metadata **,
                                               int);
    void (*rd_kafka_metadata_destroy_f)(const struct rd_kafka_metadata *);
    void (*rd_kafka_destroy_f)(rd_kafka_t *);
    const struct rd_kafka_metadata *metadata;

    FUNCTION(copy, rd_kafka_metadata);
    FUNCTION(copy, rd_kafka_metadata_destroy);
    FUNCTION(copy, rd_kafka_destroy);
    if (rd_kafka_metadata_f(copy->client, 1, NULL, &metadata, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(topic, "no broker answers");
    }
    if (metadata->topic_cnt != 1 || strcmp(metadata->topics[0].topic, topic) != 0) {
        fail(topic, "another cluster answers");
    }
    rd_kafka_metadata_destroy_f(metadata);
    rd_kafka_destroy_f(copy->client);
    dlclose(copy->library);
}

int main(int argc, char **argv) {
    struct copy one;
    struct copy other;

    if (argc != 8) {
        return 2;
    }
    start(&one, argv[2], argv[1], argv[3]);
    start(&other, argv[5], argv[1], argv[6]);
    if (dlsym(one.library, "rd_kafka_new") == dlsym(other.library, "rd_kafka_new")) {
        fail(argv[5], "is no second copy");
    }
    finish(&one, argv[4]);
    finish(&other, argv[7]);
    puts("each its own");
    return 0;
}
