/* The heap on huge pages: what was loaded at the start stays, is looked at all over for every call, and costs a walk of
 * the page tables wherever the processor does not know the page any more. */

#ifndef GATHER_H
#define GATHER_H

/* Puts those parts of the heap on huge pages that are there as a whole, so that no more memory is used than before.
 * Returns how many huge pages were made: 0 where the kernel has none to give. Takes some ms; control thread. */
int heap_gather(void);

#endif
