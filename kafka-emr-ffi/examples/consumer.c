/*
 * Consumes messages of a topic of an EMR cluster, and prints their payloads, one per line.
 *
 *     consumer SOURCE TOPIC GROUP COUNT
 *
 * It goes on where the group left off, or at the start of the topic where the group is new.
 * It ends after COUNT messages, on Ctrl-C, or when nothing has come for a minute.
 *
 * Build: cc consumer.c -o consumer $(pkg-config --cflags --libs kafka_emr rdkafka)
 * Exit status: 0 when COUNT messages came, 1 when it ended before, 2 for bad usage or a bad source.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kafka_emr_rdkafka.h>

#define PATIENCE_SECONDS 60

static volatile sig_atomic_t stopped = 0;

static void on_signal(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static int set(rd_kafka_conf_t *conf, const char *property, const char *value) {
    char errstr[512];
    if (rd_kafka_conf_set(conf, property, value, errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "consumer: %s\n", errstr);
        return -1;
    }
    return 0;
}

/* Makes a consumer that knows the cluster's names. Returns NULL when it cannot be made, and has said why. */
static rd_kafka_t *new_consumer(const char *source, const char *group) {
    char errstr[512];
    rd_kafka_conf_t *conf;
    rd_kafka_conf_res_t applied;
    rd_kafka_t *consumer;
    kafka_emr_resolver_t *emr = kafka_emr_resolver_open(source, errstr, sizeof(errstr));

    if (emr == NULL) {
        fprintf(stderr, "consumer: %s\n", errstr);
        return NULL;
    }
    conf = rd_kafka_conf_new();
    if (set(conf, "client.id", "kafka-emr-example") != 0 || set(conf, "group.id", group) != 0 ||
        set(conf, "auto.offset.reset", "earliest") != 0) {
        rd_kafka_conf_destroy(conf);
        kafka_emr_resolver_free(emr);
        return NULL;
    }
    /* Last, because it looks at what is set. The client keeps what it needs of the resolver. */
    applied = kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr));
    kafka_emr_resolver_free(emr);
    if (applied != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "consumer: %s\n", errstr);
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, errstr, sizeof(errstr));
    if (consumer == NULL) {
        fprintf(stderr, "consumer: %s\n", errstr);
        /* It is the client's only where there is one. */
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_poll_set_consumer(consumer);
    return consumer;
}

static int subscribe(rd_kafka_t *consumer, const char *topic) {
    rd_kafka_resp_err_t error;
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    error = rd_kafka_subscribe(consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "consumer: cannot subscribe to %s: %s\n", topic, rd_kafka_err2str(error));
        return -1;
    }
    return 0;
}

/* Prints up to `count` messages. Returns how many there were. */
static long consume(rd_kafka_t *consumer, long count) {
    long consumed = 0;
    int idle = 0;

    while (consumed < count && !stopped) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 1000);
        if (message == NULL) {
            if (++idle == PATIENCE_SECONDS) {
                fprintf(stderr, "consumer: no message for %d seconds\n", PATIENCE_SECONDS);
                break;
            }
            continue;
        }
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            /* librdkafka goes on by itself after most errors; not after this one, and not where no topic is. */
            int final =
                message->err == RD_KAFKA_RESP_ERR__FATAL || message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
            fprintf(stderr, "consumer: %s\n", rd_kafka_message_errstr(message));
            rd_kafka_message_destroy(message);
            if (final) {
                break;
            }
            continue;
        }
        fwrite(message->payload, 1, message->len, stdout);
        putchar('\n');
        rd_kafka_message_destroy(message);
        consumed++;
        idle = 0;
    }
    return consumed;
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
    rd_kafka_t *consumer;
    rd_kafka_resp_err_t error;
    long consumed = 0;
    long count;

    count = argc == 5 ? parse_count(argv[4]) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: consumer SOURCE TOPIC GROUP COUNT\n");
        return 2;
    }
    consumer = new_consumer(argv[1], argv[3]);
    if (consumer == NULL) {
        return 2;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (subscribe(consumer, argv[2]) == 0) {
        consumed = consume(consumer, count);
    }
    /* Commits what was printed, and leaves the group, so that its other members go on at once. */
    error = rd_kafka_consumer_close(consumer);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "consumer: cannot leave the group: %s\n", rd_kafka_err2str(error));
    }
    rd_kafka_destroy(consumer);
    if (fflush(stdout) != 0) {
        perror("consumer: standard output");
        return 1;
    }
    return consumed == count && error == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : 1;
}
