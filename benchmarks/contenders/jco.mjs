// Runs the wasi:cli/run of a component that jco has transpiled: node jco.mjs MODULE.js
import { pathToFileURL } from "node:url";

const module = await import(pathToFileURL(process.argv[2]).href);
await module["wasi:cli/run@0.3.0"].run();
