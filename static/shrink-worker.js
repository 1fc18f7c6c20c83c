// One worker that makes large pictures smaller, off the page's own thread. It keeps them upright, because the browser
// turns a picture by its EXIF while decoding, and the drawn picture has no EXIF. The sizes are those of the server
// (internal/imaging), which passes such a picture through unchanged instead of losing quality a second time.
const LONG = 2000, SHORT = 1152, LONGEST = 3072, ASPECT = 4, QUALITY = 0.85;
const MOST = 120e6; // pixels: a larger picture is left to the server's own limits
const HEAD = 1 << 18; // bytes in which the size of a picture stands

const ascii = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));

// sizeOf reads width and height from the head of a JPEG, PNG or WebP; null for all else.
const sizeOf = (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length > 24 && ascii(bytes, 1, 4) === "PNG") return [view.getUint32(16), view.getUint32(20)];
  if (bytes.length > 30 && ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP") {
    const uint24 = (at) => view.getUint16(at, true) | bytes[at + 2] << 16;
    switch (ascii(bytes, 12, 16)) {
      case "VP8X": return [uint24(24) + 1, uint24(27) + 1];
      case "VP8L": { const bits = view.getUint32(21, true); return [(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1]; }
      default: return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    }
  }
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1];
    if (marker === 0xff) { at++; continue; } // a filler
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    at += 2 + view.getUint16(at + 2);
  }
  return null;
};

const scaleOf = (w, h) => {
  const long = Math.max(w, h), short = Math.min(w, h);
  if (long > LONGEST && long > ASPECT * short) return 1; // a long picture is read in pieces: the server sees to its size
  return Math.max(LONG / long, Math.min(LONGEST / long, SHORT / short));
};

// shrink returns a smaller picture, or null when the one there is should travel as it is.
const shrink = async (blob) => {
  const size = sizeOf(new Uint8Array(await blob.slice(0, HEAD).arrayBuffer()));
  if (!size || size[0] * size[1] > MOST || scaleOf(...size) >= 1) return null;
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  try {
    const scale = scaleOf(bitmap.width, bitmap.height);
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
    const pen = canvas.getContext("2d", { alpha: false });
    pen.fillStyle = "#fff"; // transparent areas become white, as paper
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const smaller = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return smaller.size < blob.size ? smaller : null;
  } finally {
    bitmap.close();
  }
};

onmessage = async ({ data: { n, blob } }) => {
  // A picture that the browser cannot open may still be one for the server: it is sent as it is.
  postMessage({ n, smaller: await shrink(blob).catch(() => null) });
};
