# SPDX-License-Identifier: ISC
# make demo: see it work.  make check: prove it.  README.md has the rest.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib/rm
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
PKG_CONFIG ?= pkg-config
CC = gcc
CFLAGS ?= -O2 -g
BUILD := build
Q := $(if $(V),,@)
MAKEFLAGS += $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc))
, := ,

# "make asan check" builds and runs the same with the sanitizers.
ifneq (,$(filter asan,$(MAKECMDGOALS)))
BUILD := build/asan
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif

# "make STATIC=1" links in all but libc and what can be exchanged on its own:
# a program with shared OpenSSL takes 2 ms longer to start.
BUILD := $(BUILD)$(if $(STATIC),/static)
LINKED_IN := $(if $(STATIC),openssl libcrypto libseccomp libsodium zlib)

override CPPFLAGS += -D_GNU_SOURCE -MMD -MP -Ilib $(if $(SANITIZE),, \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wnull-dereference $(if $(CI),-Werror)
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-ftrivial-auto-var-init=zero -fPIE
LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
COMPILE = mkdir -p $(@D) && $(CC) -std=c17 $(CPPFLAGS) $(WARN) $(HARDEN) \
	$(SANITIZE) $(CFLAGS)

TOOLS := $(patsubst bin/%.c,%,$(wildcard bin/*.c))
SCRIPTS := $(patsubst bin/%,%,$(shell find bin -maxdepth 1 -type f ! -name '*.c'))
SHARED := $(patsubst lib/%,%,$(filter-out %.c %.h, \
	$(shell find lib -type f ! -path 'lib/gate/*' ! -path 'lib/systemd/*')))
UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
HELPERS := probe-matrix probe-rules probe-load probe-client piv-card wait-card raw-sign room \
	kill-at
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

# What each tool is linked with; the rest of the library needs only libc.
$(foreach t,tls connect,$(eval PKGS_rm-$(t) := openssl libseccomp))
PKGS_rm-auth := libcrypto libsodium libseccomp
PKGS_rm-idle := libseccomp
$(foreach t,enrol audit kat unlock,$(eval PKGS_rm-$(t) := libcrypto libsodium))
$(foreach t,exec login,$(eval PKGS_rm-$(t) := libsodium libseccomp))
$(foreach t,rules token,$(eval PKGS_rm-$(t) := libsodium))
PKGS_rm-console := libnewt slang libsodium libqrencode
PKGS_rmctl := openssl libsodium libseccomp libpcsclite zlib
PKGS_rm-card := $(PKGS_rmctl)
PKGS_test := openssl libsodium libseccomp libpcsclite zlib
shared = $(if $(1),$(shell $(PKG_CONFIG) --libs $(1)))
linked_in = $(if $(1),-Wl$(,)-Bstatic $(call shared,$(1)) -Wl$(,)-Bdynamic)
pkglibs = $(call linked_in,$(filter $(LINKED_IN),$(1))) \
	$(call shared,$(filter-out $(LINKED_IN),$(1)))

# Self-test holds the installed programs against their hashes.
PRODUCTS := $(TOOLS:%=bin/%) $(SCRIPTS:%=bin/%) $(SHARED:%=lib/rm/%) lib/rm/rm-gate.so
all: $(PRODUCTS:%=$(BUILD)/%) $(BUILD)/lib/rm/programs.sha256
$(BUILD)/lib/rm/programs.sha256: $(PRODUCTS:%=$(BUILD)/%)
	$(Q)cd $(BUILD) && sha256sum $(PRODUCTS) >lib/rm/programs.sha256
tests: all $(UNITS:%=$(BUILD)/tests/%) $(HELPERS:%=$(BUILD)/tests/%)

$(BUILD)/obj/%.o: %.c
	$(Q)$(COMPILE) $(shell $(PKG_CONFIG) --cflags libpcsclite p11-kit-1) \
		-c -o $@ $<

$(BUILD)/librm.a: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard lib/*.c))
	$(Q)rm -f $@ && ar rcs $@ $^

# Loaded by foreign programs: no sanitizers, and one function to be seen, of
# which libp11-kit has one, too: -Bsymbolic takes ours.
MODULE = $(filter-out $(SANITIZE) -fPIE,$(COMPILE)) -fPIC -fvisibility=hidden
$(BUILD)/pic/%.o: %.c
	$(Q)$(MODULE) $(shell $(PKG_CONFIG) --cflags p11-kit-1) -c -o $@ $<
$(BUILD)/lib/rm/rm-gate.so: $(patsubst %.c,$(BUILD)/pic/%.o, \
	$(wildcard lib/gate/*.c) $(patsubst %,lib/rm_%.c,die err io mech mode num tally text undo))
	$(Q)$(MODULE) -shared -Wl,-z,defs,-Bsymbolic \
		$(filter-out -pie,$(LINK)) $(LDFLAGS) -o $@ $^

# A tool that outgrew one file has its further ones in a folder of its name.
$(foreach t,$(TOOLS),$(eval $(BUILD)/bin/$(t): \
	$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bin/$(t)/*.c))))
$(BUILD)/bin/%: $(BUILD)/obj/bin/%.o $(BUILD)/librm.a
	$(Q)$(COMPILE) $(LINK) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		$(BUILD)/librm.a $(call pkglibs,$(PKGS_$*)) $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/librm.a
	$(Q)$(COMPILE) $(LINK) -o $@ $^ $(call pkglibs,$(PKGS_test))
$(BUILD)/tests/piv-card: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/card/piv-*.c))
$(patsubst %,$(BUILD)/tests/probe-%,matrix rules load client): $(BUILD)/obj/tests/p11/p11.o
.SECONDEXPANSION:
$(HELPERS:%=$(BUILD)/tests/%): $$(patsubst %.c,$(BUILD)/obj/%.o, \
	$$(wildcard tests/*/$$(@F).c))
	$(Q)$(COMPILE) $(LINK) -o $@ $^ $(call pkglibs,$(PKGS_test))

$(SCRIPTS:%=$(BUILD)/bin/%): $(BUILD)/bin/%: bin/%; $(Q)install -D -m 755 $< $@
$(BUILD)/lib/rm/%: lib/%
	$(Q)install -D -m $$(test -x $< && echo 755 || echo 644) $< $@

asan: all
deps lint fresh-check:; @tests/$@ $(CC)
# Started as root, these go on as nobody; links refuse root.
check demo bench torture: deps
	@tests/unprivileged $(MAKE) --no-print-directory \
		$(filter asan,$(MAKECMDGOALS)) $@-here T='$(T)' N=$(N) STATIC=$(STATIC)
check-here: lint tests
	@BUILD=$(BUILD) tests/run $(T)
demo-here torture-here golden pictures: tests
	@BUILD=$(BUILD) tests/$(subst pictures,golden,$(@:-here=)) $(N)
bench-here: tests
	@for b in run gate p11 sync priority; do BUILD=$(BUILD) tests/bench/$$b $(N) || exit; done
mutants: deps
	@tests/unprivileged tests/mutants/run $(T)
FUZZ = clang -std=c17 -D_GNU_SOURCE -MMD -MP -Ilib -O1 -g \
	$(shell $(PKG_CONFIG) --cflags libpcsclite p11-kit-1) -fsanitize=
fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
$(BUILD)/fuzz/obj/%.o: lib/%.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ)fuzzer-no-link,address,undefined -c -o $@ $<
$(BUILD)/fuzz/%: tests/fuzz/%.c $(patsubst lib/%.c,$(BUILD)/fuzz/obj/%.o,$(wildcard lib/*.c))
	$(Q)$(FUZZ)fuzzer,address,undefined -o $@ $< $(filter %.o,$^) \
		$(call pkglibs,$(PKGS_test))

# What goes where: built or source file, and its place.
UNITFILES := $(notdir $(wildcard lib/systemd/*))
PLACES = $(foreach f,$(TOOLS) $(SCRIPTS),$(BUILD)/bin/$(f):$(BINDIR)/$(f)) \
	$(foreach f,$(SHARED) rm-gate.so programs.sha256,$(BUILD)/lib/rm/$(f):$(LIBDIR)/$(f)) \
	$(foreach f,$(wildcard man/*.[1-9]),$(f):$(MANDIR)/man$(subst .,,$(suffix $(f)))/$(notdir $(f))) \
	$(foreach f,$(wildcard completions/*),$(f):$(BASHCOMPDIR)/$(notdir $(f)))
install: all
	$(Q)for f in $(PLACES); do install -D -m $$(test -x $${f%%:*} && \
		echo 755 || echo 644) $${f%%:*} $(DESTDIR)$${f#*:}; done
	$(Q)for f in $(UNITFILES); do sed 's|@BINDIR@|$(BINDIR)|g; s|@LIBDIR@|$(LIBDIR)|g' \
		lib/systemd/$$f | install -D -m 644 /dev/stdin $(DESTDIR)$(UNITDIR)/$$f; done
uninstall:; $(Q)for f in $(PLACES) $(UNITFILES:%=:$(UNITDIR)/%); do rm -f $(DESTDIR)$${f#*:}; done
clean:; rm -rf build
-include $(shell find $(BUILD)/obj $(BUILD)/pic $(BUILD)/fuzz -name '*.d' 2>/dev/null)
.PHONY: all tests asan deps lint fresh-check check demo bench torture mutants golden pictures \
	check-here demo-here bench-here torture-here fuzz install uninstall clean
# Not .SECONDARY: with that, what came of a file that went is not made anew.
.PRECIOUS: $(BUILD)/obj/%.o $(BUILD)/pic/%.o $(BUILD)/fuzz/obj/%.o
