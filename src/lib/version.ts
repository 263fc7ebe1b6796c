// Which build this is. The build stamps both names; run from source, the version is the package's. Knows nothing else.

import { version } from "../../package.json";

declare const TOKLIGENCE_VERSION: string;
declare const TOKLIGENCE_COMMIT: string;

export const VERSION: string = typeof TOKLIGENCE_VERSION === "undefined" ? version : TOKLIGENCE_VERSION;
/** Short hash of the commit; `dev` where it was run from source. */
export const COMMIT: string = typeof TOKLIGENCE_COMMIT === "undefined" ? "dev" : TOKLIGENCE_COMMIT;
