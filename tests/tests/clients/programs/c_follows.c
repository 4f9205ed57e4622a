/*
 * Produces each line of its standard input and prints what becomes of it, and every error of its client:
 * c_follows SOURCE TOPIC.
 */

#include <poll.h>

#include "c_check.h"

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    const char *became = message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? "delivered" : "failed";
    (void)client;
    (void)opaque;
    printf("%s %.*s\n", became, (int)message->len, (const char *)message->payload);
}

static void on_error(rd_kafka_t *client, int error, const char *reason, void *opaque) {
    (void)client;
    (void)opaque;
    printf("error %s: %s\n", rd_kafka_err2name((rd_kafka_resp_err_t)error), reason);
}

int main(int argc, char **argv) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct pollfd input = {0, POLLIN, 0};
    kafka_emr_resolver_t *emr;
    rd_kafka_t *producer;
    char line[64];

    if (argc != 3) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    emr = open_source(argv[1]);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    CHECK(rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "500", errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    kafka_emr_resolver_free(emr);
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    CHECK(producer != NULL);
    for (;;) {
        rd_kafka_poll(producer, 50);
        if (poll(&input, 1, 0) == 0) {
            continue;
        }
        if (fgets(line, sizeof(line), stdin) == NULL) {
            break;
        }
        line[strcspn(line, "\n")] = '\0';
        CHECK(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(argv[2]), RD_KAFKA_V_VALUE(line, strlen(line)),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == 0);
    }
    rd_kafka_destroy(producer);
    return 0;
}
