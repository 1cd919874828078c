#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static bool find_entries(void *handle, const struct library *library)
{
    for (size_t i = 0; i < library->count; i++) {
        void *symbol = dlsym(handle, library->entries[i].name);
        if (!symbol)
            return false;
        memcpy(library->entries[i].place, &symbol, sizeof(symbol));
    }
    return true;
}

static bool open_first(const struct library *library)
{
    void *handle = NULL;
    for (const char *const *file = library->files; !handle && *file; file++)
        handle = dlopen(*file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return false;
    if (find_entries(handle, library))
        return true;
    dlclose(handle);
    return false;
}

bool library_ready(struct library *library)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (library->state == LIBRARY_UNTRIED)
        library->state = open_first(library) ? LIBRARY_OPEN : LIBRARY_MISSING;
    bool ready = library->state == LIBRARY_OPEN;
    pthread_mutex_unlock(&lock);
    return ready;
}
