// Keeps what a daemon said, in which of its voices: its log, its answers, its status and its events.

/** The daemon's ways to say that something went wrong. */
type Voice = "log" | "answer" | "status" | "control" | "events" | "operation";

export interface Voices {
  /** What was said before in this voice is not said again. */
  readonly hear: (voice: Voice, text: string) => void;
  /** Whether `words` were said since `moment`, in any voice or in this one. */
  readonly said: (words: RegExp, moment: number, voice?: Voice) => boolean;
  /** Everything from here on is said later. */
  readonly moment: () => number;
}

export const makeVoices = (): Voices => {
  const heard: Array<{ readonly voice: Voice; readonly text: string }> = [];
  const last = new Map<Voice, string>();
  return {
    hear: (voice, text) => {
      if (last.get(voice) === text) return;
      last.set(voice, text);
      if (text !== "") heard.push({ voice, text });
    },
    said: (words, moment, voice) =>
      heard
        .slice(moment)
        .some((one) => (voice === undefined || one.voice === voice) && words.test(one.text)),
    moment: () => heard.length,
  };
};
