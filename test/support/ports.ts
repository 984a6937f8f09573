/** The one port allocator of the suite: the product's own, which no two processes get the same port from. */
export { freePort, freePorts } from '../../src/cli/dev/ports.js';
