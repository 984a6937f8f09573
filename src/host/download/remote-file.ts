/** What the content of a file must be, as its hub or the spec tells it. */
export type Proof =
  | { readonly kind: 'sha256'; readonly hex: string }
  /** Id of a git blob: sha1 of "blob <bytes>\0" and the content. */
  | { readonly kind: 'git-blob'; readonly hex: string }
  | { readonly kind: 'none' };

/** One file that can be downloaded. */
export interface RemoteFile {
  /** Path within the folder that is fetched, with `/`; its own name for a single file. */
  readonly path: string;
  /** How messages call it. */
  readonly name: string;
  readonly url: string;
  /** Size in bytes; null when nobody told it. */
  readonly bytes: number | null;
  readonly proof: Proof;
}
