/* Has a function of the name that librdkafka looks up in plugins, and looks a name up: c_conf_init SOURCE. */

#include "c_check.h"

int conf_init(int answer);

int conf_init(int answer) {
    return answer;
}

int main(int argc, char **argv) {
    kafka_emr_resolver_t *emr;
    struct addrinfo *list = NULL;
    CHECK(argc == 2);
    emr = open_source(argv[1]);
    CHECK(kafka_emr_lookup(emr, "emr-worker-1.cluster-48742", "9092", NULL, &list) == 0 && list != NULL);
    kafka_emr_freeaddrinfo(list);
    kafka_emr_resolver_free(emr);
    CHECK(conf_init(42) == 42);
    puts("its own");
    return 0;
}
