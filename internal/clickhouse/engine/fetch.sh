#!/bin/sh
# Brings the ClickHouse engine library, libchdb, into the folder $1 and checks it.
# The library comes from the npm package of this platform, at one version, and must
# have the SHA-256 written here.
set -eu

dir=$1
version=26.5.3
case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
	package=@chdb/lib-linux-x64-gnu
	sum=4330da79405733f7572f27c1442f46c03a08301f00859dce0368645731b1e1dc
	;;
*)
	echo "make engine knows no checked library for $(uname -s) on $(uname -m): get libchdb $version for it, and set SUYANG_LIBCHDB to the file" >&2
	exit 1
	;;
esac

right() { echo "$sum  $1" | sha256sum --check --status 2>/dev/null; }

if [ -f "$dir/libchdb.so" ] && right "$dir/libchdb.so"; then
	exit 0
fi
command -v npm >/dev/null || { echo "make engine needs npm, which comes with Node.js" >&2; exit 1; }
mkdir -p "$dir"
work=$(mktemp -d "$dir/.engine-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "fetching $package $version (160 MB) ..." >&2
if ! (cd "$work" && npm pack --loglevel=error "$package@$version" >/dev/null && tar -xzf ./*.tgz); then
	echo "npm could not fetch $package $version, for the reason above" >&2
	exit 1
fi
if ! right "$work/package/libchdb.so"; then
	echo "the library in $package $version has another SHA-256 than $sum: not used" >&2
	exit 1
fi
mv "$work/package/libchdb.so" "$dir/libchdb.so"
