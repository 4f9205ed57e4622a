/*
 * Of a librdkafka before 2.0.0 what the plugin can see: its version, and who calls conf_init(). Built with LIBRARY it is
 * that; built without, the program that uses it: plugin_fake_old PLUGIN.
 */

#include <stdio.h>

int fake_load(const char *plugin, char *errstr, size_t errstr_size);

#ifdef LIBRARY

#include <dlfcn.h>
#include <string.h>

const char *rd_kafka_version_str(void);

const char *rd_kafka_version_str(void) {
    return "1.9.2";
}

int fake_load(const char *plugin, char *errstr, size_t errstr_size) {
    int (*conf_init)(void *conf, void **opaque, char *errstr, size_t errstr_size);
    void *opaque = NULL;
    void *library = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
    void *found = library == NULL ? NULL : dlsym(library, "conf_init");
    int result;

    if (found == NULL) {
        return 0;
    }
    memcpy(&conf_init, &found, sizeof(found));
    result = conf_init(NULL, &opaque, errstr, errstr_size);
    /* Keeps the call from being the last thing that is done here, which a compiler makes a jump. */
    dlclose(library);
    return result;
}

#else

int main(int argc, char **argv) {
    char errstr[512] = "";
    if (argc != 2) {
        return 2;
    }
    if (fake_load(argv[1], errstr, sizeof(errstr)) == 0) {
        return 0;
    }
    printf("refused: %s\n", errstr);
    return 1;
}

#endif
