/** Prints one JSON line about the software that this trainer needs: Node and nothing else. */
process.stdout.write(`${JSON.stringify({ node: process.versions.node })}\n`);
