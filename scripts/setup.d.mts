// The types of setup.mjs, which itself must run where nothing is installed yet.

export declare const root: string;
export declare const toolEnv: () => NodeJS.ProcessEnv;
export declare const ensureInstalled: () => void;
export declare const markInstalled: () => void;
export declare const build: () => void;
