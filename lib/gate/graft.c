/* SPDX-License-Identifier: ISC */
/*
 * Which files an engine is about to change, nobody is told: so its own calls
 * of the C library that change files come through here.  An engine is loaded
 * with all its imports bound (RTLD_NOW): the slots of these few, and of no
 * other library, are given other functions (undo.c).
 */
#include "gate.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define SLOT(type)	((type) == R_X86_64_JUMP_SLOT || \
			(type) == R_X86_64_GLOB_DAT)
#elif defined(__aarch64__)
#define SLOT(type)	((type) == R_AARCH64_JUMP_SLOT || \
			(type) == R_AARCH64_GLOB_DAT)
#else
#error "the relocations of this machine are not known"
#endif

/* A loaded module, as its dynamic section describes it. */
struct module {
	uintptr_t inside;		/* an address of it, to find it by */
	uintptr_t base, relro;
	size_t relro_len;
	const ElfW(Dyn) *dynamic;
	const ElfW(Sym) *symbols;
	const char *strings;
	size_t n;			/* slots that were grafted */
};

static bool
is_in(const struct dl_phdr_info *info, uintptr_t address)
{
	const ElfW(Phdr) *p = info->dlpi_phdr;
	size_t i;

	for (i = 0; i < info->dlpi_phnum; i++)
		if (p[i].p_type == PT_LOAD &&
		    address - info->dlpi_addr - p[i].p_vaddr < p[i].p_memsz)
			return true;
	return false;
}

static int
find(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct module *m = arg;
	const ElfW(Phdr) *p = info->dlpi_phdr;
	size_t i;

	(void)size;
	if (!is_in(info, m->inside))
		return 0;
	m->base = info->dlpi_addr;
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (p[i].p_type == PT_DYNAMIC)
			m->dynamic = (const void *)(m->base + p[i].p_vaddr);
		if (p[i].p_type == PT_GNU_RELRO) {
			m->relro = m->base + p[i].p_vaddr;
			m->relro_len = p[i].p_memsz;
		}
	}
	return 1;
}

/* An entry of the dynamic section; an address is the loader's, or relative. */
static uintptr_t
entry(const struct module *m, ElfW(Sxword) tag, bool address)
{
	const ElfW(Dyn) *d;

	for (d = m->dynamic; d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return address && d->d_un.d_ptr < m->base ?
			    m->base + d->d_un.d_ptr : d->d_un.d_ptr;
	return 0;
}

static void
graft(struct module *m, ElfW(Sxword) table, ElfW(Sxword) bytes)
{
	const ElfW(Rela) *r = (const void *)entry(m, table, true);
	size_t i, n = entry(m, bytes, false) / sizeof(*r);
	uintptr_t to;

	for (i = 0; r != NULL && i < n; i++) {
		if (!SLOT(ELF64_R_TYPE(r[i].r_info)))
			continue;
		to = gate_undo_instead(m->strings +
		    m->symbols[ELF64_R_SYM(r[i].r_info)].st_name);
		if (to == 0)
			continue;
		*(uintptr_t *)(m->base + r[i].r_offset) = to;
		m->n++;
	}
}

/* The loader has made the slots read-only; so they are again afterwards. */
static bool
protect(const struct module *m, int protection)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = m->relro & ~(page - 1);
	uintptr_t end = (m->relro + m->relro_len) & ~(page - 1);

	return m->relro_len == 0 || end <= begin ||
	    mprotect((void *)begin, end - begin, protection) == 0;
}

bool
gate_graft(uintptr_t inside)
{
	struct module m = { .inside = inside };

	if (dl_iterate_phdr(find, &m) != 1 || m.dynamic == NULL)
		return false;
	m.symbols = (const void *)entry(&m, DT_SYMTAB, true);
	m.strings = (const void *)entry(&m, DT_STRTAB, true);
	if (m.symbols == NULL || m.strings == NULL ||
	    !protect(&m, PROT_READ | PROT_WRITE))
		return false;
	graft(&m, DT_JMPREL, DT_PLTRELSZ);
	graft(&m, DT_RELA, DT_RELASZ);
	return protect(&m, PROT_READ) && m.n > 0;
}
