// Keeps one real host: its namespaces, the sshd of each connection, and the switches of its faults.

import type { HostServer, HostSite } from "./host-server.ts";
import { prepareFault } from "./real-faults.ts";
import { foldersIn, layOut, letGo, setSudo, writeBoot, writeUptime } from "./real-files.ts";
import { readWithin, runWithin, startMachine, writeWithin, type Machine } from "./real-machine.ts";
import { serveBySshd } from "./real-sshd.ts";

export const startRealServer = async (
  sshd: string,
  site: HostSite,
  wish: () => void,
): Promise<HostServer> => {
  const { state, folder } = site;
  const { switches } = foldersIn(folder);
  const running = new Set<Promise<void>>();
  let etcLocked = false;

  const boot = async (): Promise<Machine> => {
    await writeBoot(folder, state);
    return startMachine(folder, state.name, (line) => {
      if (line === "reboot") wish();
    });
  };
  const lockEtc = async (wanted: boolean): Promise<void> => {
    if (wanted === etcLocked) return;
    await runWithin(machine, ["mount", "-o", `remount,bind,${wanted ? "ro" : "rw"}`, "/etc"]);
    etcLocked = wanted;
  };
  const halt = async (): Promise<void> => {
    await machine.end();
    await Promise.all(running);
  };

  await layOut(site);
  let machine = await boot();
  return {
    counted: false,
    serve: async (socket) => {
      await writeUptime(folder, state);
      if (socket.destroyed) return;
      const fault = state.fault?.name;
      const over = serveBySshd(socket, { sshd, machine, fault, tally: state.tally });
      running.add(over);
      await over;
      running.delete(over);
    },
    heed: async () => {
      const fault = state.fault?.name;
      await prepareFault(switches, state, state.fault);
      await setSudo(switches, state.options.sudo !== false && fault !== "no-sudo");
      await lockEtc(fault === "read-only");
      await letGo(switches);
    },
    read: (path) => readWithin(machine, path),
    write: async (path, content) => {
      const locked = etcLocked;
      await lockEtc(false);
      await writeWithin(machine, path, content);
      await lockEtc(locked);
    },
    halt,
    boot: async () => {
      etcLocked = false;
      machine = await boot();
      await lockEtc(state.fault?.name === "read-only");
    },
    close: halt,
  };
};
