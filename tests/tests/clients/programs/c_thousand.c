/* Makes and destroys clients in one process: c_thousand SOURCE COUNT. Each thirtieth connects. */

#include "c_check.h"

int main(int argc, char **argv) {
    kafka_emr_resolver_t *shared;
    long count;
    long i;

    CHECK(argc == 3);
    count = strtol(argv[2], NULL, 10);
    CHECK(count > 0);
    shared = open_source(argv[1]);
    for (i = 0; i < count; i++) {
        /* Most of them of one resolver, some with one of their own. */
        kafka_emr_resolver_t *emr = i % 10 == 0 ? open_source(argv[1]) : shared;
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        rd_kafka_t *client;

        CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
        if (emr != shared) {
            kafka_emr_resolver_free(emr);
        }
        if (i % 2 == 0) {
            CHECK(rd_kafka_conf_set(conf, "group.id", "thousand", errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
        }
        client = rd_kafka_new(i % 2 == 0 ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
        CHECK(client != NULL);
        if (i % 30 == 0) {
            check_works(client);
        }
        rd_kafka_destroy(client);
    }
    kafka_emr_resolver_free(shared);
    printf("%ld clients\n", count);
    return 0;
}
