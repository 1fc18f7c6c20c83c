#!/bin/sh
# Installs Debian packages whose program is missing: deploy/packages.sh PROGRAM=PACKAGE[,PACKAGE] ...
# Where that cannot be done it says so and succeeds: what needs the program then says so itself.
set -u
missing=""
for pair in "$@"; do
	command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing $(echo "${pair#*=}" | tr , ' ')"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		if [ -t 0 ] && command -v sudo >/dev/null 2>&1; then
			as_root="sudo"
		else
			echo "Missing:$missing. They cannot be installed without root; run: sudo apt-get install$missing" >&2
			exit 0
		fi
	else
		as_root="sudo -n"
	fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "Missing:$missing (Debian's names). Please install them with this system's package manager." >&2
	exit 0
fi
echo "Installing$missing" >&2
{ $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null ||
	echo "Could not install$missing; going on without." >&2
exit 0
