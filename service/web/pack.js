/** Lays NAME.gz and NAME.br beside each built file: the service sends them as they are, and packs nothing itself. */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

const WORTH_IT = /\.(css|html|js|json|svg|wasm)$/;

const entries = await readdir("dist", { recursive: true, withFileTypes: true });
const paths = entries
  .filter((entry) => entry.isFile() && WORTH_IT.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name));

await Promise.all(
  paths.map(async (path) => {
    const content = await readFile(path);
    await Promise.all([
      promisify(gzip)(content, { level: 9 }).then((packed) => writeFile(`${path}.gz`, packed)),
      // Of itself at level 11, the highest.
      promisify(brotliCompress)(content).then((packed) => writeFile(`${path}.br`, packed)),
    ]);
  }),
);
