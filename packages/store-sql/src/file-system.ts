// Decides on which file systems the store may lie: locks and shared memory must mean what they say.

import { StoreError } from "@muster/core/store/store";

/**
 * Linux `statfs` types where another machine may hold the same file, or where it cannot be told.
 * FUSE is refused as a whole: sshfs and bucket mounts have the same number as harmless ones.
 */
const refused: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xfe534d42: "SMB 2",
  0xff534d42: "CIFS",
  0x01021997: "9P",
  0x5346414f: "AFS",
  0x6b414653: "AFS",
  0x73757245: "Coda",
  0x564c: "NCP",
  0x00c36400: "Ceph",
  0x0bd00bd0: "Lustre",
  0x47504653: "GPFS",
  0x19830326: "BeeGFS",
  0x01161970: "GFS2",
  0x7461636f: "OCFS2",
  0x786f4256: "a VirtualBox shared folder",
  0x65735546: "FUSE",
};

/**
 * The reason not to keep a store on a file system of this type, or nothing. Only Linux has these
 * numbers; elsewhere the type says nothing and the operator has to know.
 */
export const judgeFileSystem = (place: string, type: number): StoreError | undefined => {
  const name = refused[type >>> 0];
  if (name === undefined) return undefined;
  return new StoreError({
    reason: "Unavailable",
    place,
    message: `the store would lie on ${name}, where locks between machines cannot be relied on`,
    remedy: "keep the store on a local disk of the machine that runs muster",
  });
};
