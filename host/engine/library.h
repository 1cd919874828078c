/* Shared libraries that are opened when something first needs them, by the control thread or another that may wait. */
#ifndef OFFHOOK_LIBRARY_H
#define OFFHOOK_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct library_entry {
    const char *name;
    void *place; /* a function pointer */
};

/* By what names its file may go (NULL after the last), and the entries that have to be there. */
struct library {
    const char *const *files;
    const struct library_entry *entries;
    size_t count;
    enum { LIBRARY_UNTRIED, LIBRARY_OPEN, LIBRARY_MISSING } state;
};

#define LIBRARY_OF(FILES, ENTRIES)                                                                                     \
    {                                                                                                                  \
        (FILES), (ENTRIES), sizeof(ENTRIES) / sizeof((ENTRIES)[0]), LIBRARY_UNTRIED                                    \
    }

/* Open it, unless that was tried before; false when no file is there, or an entry is missing. */
bool library_ready(struct library *library);

#endif
