/*
 * A program that was compiled with another kafka_emr_rdkafka.h: c_old_table SOURCE [MISSING]. Its table has what the library
 * required in 0.1.0, and nothing that came later. Do not add to it. The function MISSING is left out.
 */

#include "c_check.h"

static const char *missing = "";

static kafka_emr_function_t function_of_0_1_0(const char *name) {
#define FUNCTION(function)                                                                                             \
    if (strcmp(name, #function) == 0 && strcmp(name, missing) != 0)                                                    \
    return (kafka_emr_function_t)function
    FUNCTION(rd_kafka_version);
    FUNCTION(rd_kafka_conf_set_resolve_cb);
    FUNCTION(rd_kafka_conf_get);
    FUNCTION(rd_kafka_conf_set);
    FUNCTION(rd_kafka_conf_interceptor_add_on_conf_set);
    FUNCTION(rd_kafka_conf_interceptor_add_on_conf_dup);
    FUNCTION(rd_kafka_conf_interceptor_add_on_conf_destroy);
    FUNCTION(rd_kafka_conf_interceptor_add_on_new);
    FUNCTION(rd_kafka_interceptor_add_on_consume);
    FUNCTION(rd_kafka_type);
    FUNCTION(rd_kafka_clusterid);
    FUNCTION(rd_kafka_mem_free);
#undef FUNCTION
    return NULL;
}

int main(int argc, char **argv) {
    kafka_emr_resolver_t *emr;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;

    CHECK(argc == 2 || argc == 3);
    emr = open_source(argv[1]);
    if (argc == 3) {
        missing = argv[2];
        CHECK(kafka_emr_apply(conf, emr, function_of_0_1_0, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
        CHECK(strstr(errstr, missing) != NULL && kafka_emr_last_error() == KAFKA_EMR_ERR_ARGUMENT);
        rd_kafka_conf_destroy(conf);
        kafka_emr_resolver_free(emr);
        puts(errstr);
        return 0;
    }
    CHECK(kafka_emr_apply(conf, emr, function_of_0_1_0, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    kafka_emr_resolver_free(emr);
    client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    CHECK(client != NULL);
    check_works(client);
    rd_kafka_destroy(client);
    puts("works");
    return 0;
}
