/* A test's assertion, and what C programs under test have in common. */

#ifndef C_CHECK_H
#define C_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kafka_emr_rdkafka.h>

/* Ends the program when it does not hold. The message of the last failing call stands in errstr. */
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\nerrstr: %s\n", __FILE__, __LINE__, #condition, errstr);         \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static char errstr[512];

static kafka_emr_resolver_t *open_source(const char *source) {
    kafka_emr_resolver_t *emr = kafka_emr_resolver_open(source, errstr, sizeof(errstr));
    CHECK(emr != NULL);
    return emr;
}

/* Asks the client's cluster for all there is; so it has connected, with a name resolved. */
static inline void check_works(rd_kafka_t *client) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 1, NULL, &metadata, 60000);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        strcpy(errstr, rd_kafka_err2str(error));
    }
    CHECK(error == RD_KAFKA_RESP_ERR_NO_ERROR);
    CHECK(metadata->broker_cnt == 3 && metadata->topic_cnt > 0);
    rd_kafka_metadata_destroy(metadata);
}

#endif
