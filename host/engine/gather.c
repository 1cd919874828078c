#include "gather.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

#define LARGEST ((uintptr_t)1 << 30) /* heaps are smaller; what is larger is a sanitizer's, or reserved only */

static size_t huge_page(void)
{
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
    size_t size = 0;
    if (file) {
        if (fscanf(file, "%zu", &size) != 1)
            size = 0;
        fclose(file);
    }
    return size;
}

/* Whether every page is there: only then a huge page takes no more memory than they do. */
static bool resident(uintptr_t at, size_t size, size_t page, unsigned char *marks)
{
    if (mincore((void *)at, size, marks))
        return false;
    for (size_t i = 0; i < size / page; i++)
        if (!(marks[i] & 1))
            return false;
    return true;
}

static int gather(uintptr_t from, uintptr_t to, size_t size, size_t page, unsigned char *marks)
{
    int gathered = 0;
    for (uintptr_t at = (from + size - 1) / size * size; at + size <= to; at += size)
        if (resident(at, size, page, marks) && !madvise((void *)at, size, MADV_COLLAPSE))
            gathered++;
    return gathered;
}

int heap_gather(void)
{
    size_t size = huge_page(), page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *marks = size > page ? malloc(size / page) : NULL;
    FILE *maps = marks ? fopen("/proc/self/maps", "re") : NULL;
    char line[512], rights[5], name[16];
    int gathered = 0;
    while (maps && fgets(line, sizeof(line), maps)) {
        uintptr_t from, to;
        unsigned long inode;
        name[0] = 0;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %lu %15s", &from, &to, rights, &inode, name) < 4)
            continue;
        if (!strcmp(rights, "rw-p") && !inode && (!name[0] || !strcmp(name, "[heap]")) && to - from < LARGEST)
            gathered += gather(from, to, size, page, marks);
    }
    if (maps)
        fclose(maps);
    free(marks);
    return gathered;
}
