// Keeps the script that looks at a host: POSIX sh, the same bytes for every host and every value.

/**
 * Read from standard input, a line each: the marker of this exec, the files of role, override and
 * last run, the most bytes of a file to bring, and a dot, so that a cut frame does nothing.
 *
 * Answers lines between `MARKER begin` and `MARKER end`. What cannot be looked at is left out, and
 * never told as absent: a file is absent only where the folder that would hold it can be searched.
 * Bytes go as base64, or as hex where there is no base64. It writes nothing. It never opens what is
 * no plain file: a pipe would hold it for ever. A file that is very long is not read for its hash.
 *
 * No single quote may stand in it: it is handed over as one word in single quotes.
 */
const script = `IFS= read -r mark && IFS= read -r role && IFS= read -r over && IFS= read -r last &&
IFS= read -r most && IFS= read -r dot && [ "$dot" = . ] || exit 64
exec </dev/null
LC_ALL=C; export LC_ALL
command -v cat >/dev/null 2>&1 || PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
printf "\\n%s begin\\n" "$mark"
if [ -f /etc/os-release ] && [ -r /etc/os-release ]; then
  while IFS="=" read -r key value; do
    if [ "$key" = PRETTY_NAME ]; then printf "os=%s\\n" "$value"; break; fi
  done </etc/os-release
elif value=$(uname -sr 2>/dev/null); then
  printf "os=%s\\n" "$value"
fi
if [ -r /proc/sys/kernel/random/boot_id ]; then
  IFS= read -r value </proc/sys/kernel/random/boot_id && printf "boot=%s\\n" "$value"
  read -r value key </proc/uptime && printf "uptime=%s\\n" "$value"
else
  value=$(sysctl -n kern.bootsessionuuid 2>/dev/null) && printf "boot=%s\\n" "$value"
  value=$(sysctl -n kern.boottime 2>/dev/null) &&
    printf "booted=%s\\nnow=%s\\n" "$value" "$(date +%s)"
fi
root=no
if command -v sudo >/dev/null 2>&1; then
  if sudo -n true >/dev/null 2>&1; then root=yes; fi
else
  case $(id -u 2>/dev/null) in 0) root=yes ;; "") root=unknown ;; esac
fi
printf "sudo=%s\\n" "$root"
place() {
  if [ -e "$1" ] || [ -L "$1" ]; then place=there; return; fi
  folder=\${1%/*}
  while [ -n "$folder" ] && [ ! -d "$folder" ]; do folder=\${folder%/*}; done
  if [ -x "\${folder:-/}" ]; then place=absent
  elif [ "$root" = yes ] && sudo -n test -e "$1" 2>/dev/null; then place=there
  elif [ "$root" = yes ] && sudo -n test ! -e "$1" 2>/dev/null; then place=absent
  else place=hidden; fi
}
bytes() {
  file=$2
  place "$file"
  if [ "$place" = absent ]; then printf "%s-absent\\n" "$1"; fi
  if [ "$place" != there ]; then return; fi
  as=
  if [ ! -r "$file" ]; then
    if [ "$root" != yes ]; then return; fi
    as="sudo -n"
    sudo -n test -f "$file" 2>/dev/null || return
  elif [ ! -f "$file" ]; then return; fi
  value=$($as wc -c "$file" 2>/dev/null) || return
  set -- "$1" $value
  if [ "$2" -gt "$((most * 1024))" ]; then printf "%s-long=\\n" "$1"; return; fi
  if [ "$2" -gt "$most" ]; then
    value=$($as sha256sum "$file" 2>/dev/null) ||
      value=$($as shasum -a 256 "$file" 2>/dev/null) ||
      value=$($as openssl dgst -sha256 -r "$file" 2>/dev/null) || value=
    printf "%s-long=%s\\n" "$1" "\${value%% *}"
    return
  fi
  if command -v base64 >/dev/null 2>&1; then
    printf "%s-base64=%s\\n" "$1" "$2"
    $as cat "$file" 2>/dev/null | base64
  else
    printf "%s-hex=%s\\n" "$1" "$2"
    $as cat "$file" 2>/dev/null | od -An -v -tx1
  fi
  printf "%s-end\\n" "$1"
}
place "$role"
if [ "$place" = absent ]; then
  printf "role-absent\\n"
elif [ "$place" = there ] && [ -f "$role" ] && [ -r "$role" ]; then
  value=
  IFS= read -r value 2>/dev/null <"$role"
  if [ -n "$value" ] || head -n 1 "$role" >/dev/null 2>&1; then printf "role=%s\\n" "$value"; fi
fi
bytes override "$over"
bytes puppet "$last"
printf "%s end\\n" "$mark"
`;

/** What a host's shell is given; every shell of POSIX reads it the same way. */
export const probeCommand = `exec /bin/sh -c '${script}'`;

/** The script by itself, as a shell reads it. */
export const probeScript = script;

/** What is looked at. */
export interface ProbePlaces {
  readonly roleFile: string;
  readonly overrideFile: string;
  /** JSON that the host's configuration run writes of itself. */
  readonly lastRunFile: string;
}

export const usualPlaces: ProbePlaces = {
  roleFile: "/etc/puppet_role",
  overrideFile: "/etc/puppet/ronin_settings",
  lastRunFile: "/etc/puppet/last_run_metadata.json",
};

/** The most bytes of one file that are brought. */
export const maxFileBytes = 64 * 1024;

/** The values for the script's standard input; a text says which of them cannot be handed over. */
export const probeFrame = (marker: string, places: ProbePlaces): Uint8Array | string => {
  const { roleFile, overrideFile, lastRunFile } = places;
  const files = [roleFile, overrideFile, lastRunFile];
  const bad = files.find((file) => !file.startsWith("/") || /[\0\r\n]/.test(file));
  if (bad !== undefined) return bad;
  return Buffer.from([marker, ...files, String(maxFileBytes), ".", ""].join("\n"));
};
