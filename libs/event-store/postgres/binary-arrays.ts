/**
 * One-dimensional arrays in PostgreSQL's binary wire form. The driver's text form of an array
 * escapes every element with a regular expression, which costs more than the rest of an append.
 */
const HEADER_BYTES = 20;
const OID = { int4: 23, text: 25, uuid: 2950, bytea: 17 } as const;

function header(oid: number, count: number, elementBytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + 4 * count + elementBytes);
  buffer.writeInt32BE(1, 0); // dimensions
  buffer.writeInt32BE(0, 4); // no nulls
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16); // lower bound
  return buffer;
}

function utf8Array(oid: number, texts: readonly string[]): Buffer {
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text);
  const buffer = header(oid, texts.length, bytes);
  let offset = HEADER_BYTES;
  for (const text of texts) {
    const written = buffer.write(text, offset + 4);
    buffer.writeInt32BE(written, offset);
    offset += 4 + written;
  }
  return buffer;
}

export function textArray(texts: readonly string[]): Buffer {
  return utf8Array(OID.text, texts);
}

/** The UTF-8 bytes of texts, as bytea. */
export function bytesArray(texts: readonly string[]): Buffer {
  return utf8Array(OID.bytea, texts);
}

export function intArray(values: readonly number[]): Buffer {
  const buffer = header(OID.int4, values.length, 4 * values.length);
  let offset = HEADER_BYTES;
  for (const value of values) {
    buffer.writeInt32BE(4, offset);
    buffer.writeInt32BE(value, offset + 4);
    offset += 8;
  }
  return buffer;
}

export function uuidArray(ids: readonly string[]): Buffer {
  const buffer = header(OID.uuid, ids.length, 16 * ids.length);
  let offset = HEADER_BYTES;
  for (const id of ids) {
    buffer.writeInt32BE(16, offset);
    buffer.write(id.replaceAll('-', ''), offset + 4, 'hex');
    offset += 20;
  }
  return buffer;
}
