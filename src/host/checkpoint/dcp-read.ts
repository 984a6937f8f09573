import { openRegular } from '../open-regular.js';
import { decodeMetadata } from './dcp-decode.js';
import { DcpMetadataError, type DcpMetadata } from './dcp-metadata.js';

/** 128 ranks with 700 tensors and their two Adam moments take 38 MB, and about a GB of memory while they are read. */
const MAX_METADATA_BYTES = 256 * 1024 ** 2;

/**
 * Reads a `.metadata` file without torch and without executing anything in it.
 *
 * @throws DcpMetadataError when it is empty, damaged, or not the metadata of a distributed checkpoint.
 */
export async function readDcpMetadata(path: string): Promise<DcpMetadata> {
  const file = await openRegular(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_METADATA_BYTES) throw new DcpMetadataError(`${size} bytes are more than any real metadata has`);
    return decodeMetadata(await file.readFile());
  } finally {
    await file.close();
  }
}
