// Loaded by `node --require`: writes the CommonJS modules of the process to TRACE_MODULES when it ends.
const { writeFileSync } = require('node:fs');
const Module = require('node:module');

process.on('exit', () => writeFileSync(process.env.TRACE_MODULES, JSON.stringify(Object.keys(Module._cache))));
