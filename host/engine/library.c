#include "library.h"

#include <dlfcn.h>
#include <string.h>

bool library_open(const char *const *files, const struct library_entry *entries, size_t count)
{
    void *library = NULL;
    while (!library && *files)
        library = dlopen(*files++, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(library, entries[i].name);
        if (!symbol) {
            dlclose(library);
            return false;
        }
        memcpy(entries[i].place, &symbol, sizeof(symbol));
    }
    return true;
}
