/*
 * Produces without kafka-emr: c_plain SERVERS TOPIC. Ends with 1 when not all of the topic's six partitions get their
 * message within seconds.
 */

#include <stdio.h>

#include <librdkafka/rdkafka.h>

#define PARTITIONS 6

static int delivered = 0;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    (void)opaque;
    delivered += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

int main(int argc, char **argv) {
    char errstr[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *producer;
    int partition;

    if (argc != 3) {
        return 2;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "message.timeout.ms", "4000", errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "%s\n", errstr);
        return 2;
    }
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    if (producer == NULL) {
        fprintf(stderr, "%s\n", errstr);
        return 2;
    }
    for (partition = 0; partition < PARTITIONS; partition++) {
        char payload[] = "plain";
        rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(argv[2]), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_VALUE(payload, sizeof(payload) - 1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_END);
    }
    rd_kafka_flush(producer, 30000);
    rd_kafka_destroy(producer);
    printf("delivered %d of %d messages\n", delivered, PARTITIONS);
    return delivered == PARTITIONS ? 0 : 1;
}
