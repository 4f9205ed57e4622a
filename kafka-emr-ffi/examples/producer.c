/*
 * Produces messages to a topic of an EMR cluster, and waits until the brokers have them.
 *
 *     producer SOURCE TOPIC [COUNT]
 *
 * Build: cc producer.c -o producer $(pkg-config --cflags --libs kafka_emr rdkafka)
 * Exit status: 0 when all messages are delivered, 1 when one is not, 2 for bad usage or a bad source.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kafka_emr_rdkafka.h>

struct deliveries {
    long delivered;
    long failed;
};

/* Is called by rd_kafka_poll() and rd_kafka_flush(), once for each message. */
static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    struct deliveries *deliveries = (struct deliveries *)opaque;
    (void)client;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        deliveries->delivered++;
    } else {
        /* Each message fails for the same reason, mostly. */
        if (deliveries->failed == 0) {
            fprintf(stderr, "producer: not delivered: %s\n", rd_kafka_err2str(message->err));
        }
        deliveries->failed++;
    }
}

static int set(rd_kafka_conf_t *conf, const char *property, const char *value) {
    char errstr[512];
    if (rd_kafka_conf_set(conf, property, value, errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "producer: %s\n", errstr);
        return -1;
    }
    return 0;
}

/* Makes a producer that knows the cluster's names. Returns NULL when it cannot be made, and has said why. */
static rd_kafka_t *new_producer(const char *source, struct deliveries *deliveries) {
    char errstr[512];
    rd_kafka_conf_t *conf;
    rd_kafka_conf_res_t applied;
    rd_kafka_t *producer;
    kafka_emr_resolver_t *emr = kafka_emr_resolver_open(source, errstr, sizeof(errstr));

    if (emr == NULL) {
        fprintf(stderr, "producer: %s\n", errstr);
        return NULL;
    }
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, deliveries);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (set(conf, "client.id", "kafka-emr-example") != 0 || set(conf, "message.timeout.ms", "60000") != 0) {
        rd_kafka_conf_destroy(conf);
        kafka_emr_resolver_free(emr);
        return NULL;
    }
    /* Last, because it looks at what is set. The client keeps what it needs of the resolver. */
    applied = kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr));
    kafka_emr_resolver_free(emr);
    if (applied != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "producer: %s\n", errstr);
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    if (producer == NULL) {
        fprintf(stderr, "producer: %s\n", errstr);
        /* It is the client's only where there is one. */
        rd_kafka_conf_destroy(conf);
    }
    return producer;
}

/* Sends "message NUMBER from C". */
static int produce(rd_kafka_t *producer, const char *topic, long number) {
    char payload[64];
    rd_kafka_resp_err_t error;

    sprintf(payload, "message %ld from C", number);
    for (;;) {
        error = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_VALUE(payload, strlen(payload)),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            break;
        }
        rd_kafka_poll(producer, 100);
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "producer: cannot produce to %s: %s\n", topic, rd_kafka_err2str(error));
        return -1;
    }
    rd_kafka_poll(producer, 0);
    return 0;
}

/* Reads a count of messages; -1 where it is none. */
static long parse_count(const char *text) {
    char *end;
    long count;
    errno = 0;
    count = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && count > 0 ? count : -1;
}

int main(int argc, char **argv) {
    struct deliveries deliveries = {0, 0};
    rd_kafka_t *producer;
    long count;
    long number;

    count = argc == 4 ? parse_count(argv[3]) : 10;
    if (argc < 3 || argc > 4 || count < 0) {
        fprintf(stderr, "usage: producer SOURCE TOPIC [COUNT]\n");
        return 2;
    }
    producer = new_producer(argv[1], &deliveries);
    if (producer == NULL) {
        return 2;
    }
    for (number = 1; number <= count; number++) {
        if (produce(producer, argv[2], number) != 0) {
            break;
        }
    }
    /* Every message has its delivery report by then: message.timeout.ms is shorter. */
    rd_kafka_flush(producer, 70000);
    rd_kafka_destroy(producer);
    printf("delivered %ld of %ld messages to %s\n", deliveries.delivered, count, argv[2]);
    return deliveries.delivered == count ? 0 : 1;
}
