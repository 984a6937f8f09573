import type { BrokenSpec } from './broken-schema.js';
import { FULL, edited } from './spec-cases.js';

/** Specs that break a rule about what is fetched from elsewhere. */
export const SOURCE_CASES: readonly BrokenSpec[] = [
  {
    name: 'path/remote',
    text: edited('/mnt/shared/temper', 's3://bucket/temper'),
    says: [
      's.yaml:5:12 workspace: "s3://bucket/temper" is remote, only a path on the hosts is read here, nothing is fetched, bring it to the hosts and write its path from /',
    ],
  },
  {
    name: 'path/remote (images)',
    text: FULL.replace('path: /mnt/data/images', 'path: hf-dataset:owner/name/images'),
    says: [
      's.yaml:35:13 data.0.images.path: "hf-dataset:owner/name/images" is remote, only a path on the hosts is read here, nothing is fetched, write it under images.zip or images.hub, or give a folder',
    ],
  },
  {
    name: 'data/images-source',
    text: FULL.replace('      path: /mnt/data/images\n', '      path: /mnt/data/images\n      zip: a.zip\n'),
    says: [
      's.yaml:35:7 data.0.images: images has path and zip, images come from one place, give exactly one of path, zip, hub',
    ],
  },
  {
    name: 'data/source-form',
    text: edited('/mnt/data/rows.json', 'hf-dataset:owner/name'),
    says: [
      's.yaml:33:18 data.0.annotations: "hf-dataset:owner/name" cannot be fetched: it is not of the form hf-dataset:OWNER/NAME/PATH, only a source that can be read can be fetched, write a path, hf-dataset:OWNER/NAME/PATH, modelscope-dataset:OWNER/NAME/PATH, or an http(s) address',
    ],
  },
  {
    name: 'data/sha256-unused',
    text: edited('/mnt/data/rows.json', `/mnt/data/rows.json\n    annotationsSha256: ${'a'.repeat(64)}`),
    says: [
      's.yaml:34:5 data.0.annotationsSha256: annotationsSha256 stands beside a path, nothing would compare it, remove it, or give it to what it belongs to',
    ],
  },
  {
    name: 'environment/offline',
    text: edited('/mnt/data/rows.json', 'https://example.org/rows.json').replace(
      'environment:\n',
      'environment:\n  offline: true\n',
    ),
    says: [
      's.yaml:34:18 data.0.annotations: https://example.org/rows.json is remote, environment.offline is true, so nothing may be fetched, bring it to the hosts and name its path, or remove environment.offline',
    ],
  },
  {
    name: 'environment/offline (repository)',
    text: edited('      ref: main', '      url: ssh://git@example.org/trainer.git').replace(
      'environment:\n',
      'environment:\n  offline: true\n',
    ),
    says: [
      's.yaml:18:12 environment.sources.trainer.url: ssh://git@example.org/trainer.git is remote, environment.offline is true, so nothing may be fetched, bring it to the hosts and name its path, or remove environment.offline',
    ],
  },
  {
    name: 'environment/source-secret',
    text: edited('      ref: main', '      url: https://oauth2:hush@example.org/trainer.git?private_token=hush'),
    says: [
      "s.yaml:17:12 environment.sources.trainer.url: the address https://…@example.org/trainer.git?private_token=… holds a password or token, a spec is stored in clear, shown and copied, remove it, and give it to git on the hosts (a credential helper, or url.insteadOf in git's settings)",
    ],
  },
  {
    name: 'data/source-form (with a password)',
    text: edited('/mnt/data/rows.json', 'https://me:hush@example.org/rows.json'),
    says: [
      's.yaml:33:18 data.0.annotations: "https://…@example.org/rows.json" cannot be fetched: it holds a user name or password, only a source that can be read can be fetched, write a path, hf-dataset:OWNER/NAME/PATH, modelscope-dataset:OWNER/NAME/PATH, or an http(s) address',
    ],
  },
];
