/* Shared libraries that are opened when something first needs them. */
#ifndef OFFHOOK_LIBRARY_H
#define OFFHOOK_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct library_entry {
    const char *name;
    void *place; /* a function pointer */
};

/* Open the first of the files (NULL after the last) that is there and find every entry in it; false when one is
 * missing. */
bool library_open(const char *const *files, const struct library_entry *entries, size_t count);

#endif
