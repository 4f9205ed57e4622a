/* Leaks: whatever looks for leaks must find this one. */

#include <stdlib.h>

int main(void) {
    void *volatile block = malloc(77);
    block = NULL;
    return block != NULL;
}
