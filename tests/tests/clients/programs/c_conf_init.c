/* Has a function of the name that librdkafka looks up in plugins, and opens a source: c_conf_init SOURCE. */

#include <stdio.h>

#include <kafka_emr.h>

int conf_init(int answer);

int conf_init(int answer) {
    return answer;
}

int main(int argc, char **argv) {
    char errstr[512] = "no source";
    kafka_emr_resolver_t *emr = argc == 2 ? kafka_emr_resolver_open(argv[1], errstr, sizeof(errstr)) : NULL;
    if (emr == NULL) {
        fprintf(stderr, "%s\n", errstr);
        return 1;
    }
    printf("%d %s\n", conf_init(42), kafka_emr_resolver_bootstrap_servers(emr));
    kafka_emr_resolver_free(emr);
    return 0;
}
