# What run, build and enter share.
#
# shellcheck shell=bash

say() { printf 'bazelw: %s\n' "$*" >&2; }

die() {
  say "$*"
  say "or use Bazelisk, which needs a C++23 compiler but no private root: BAZELW=bazelisk ./bazelw"
  exit 1
}

# Prints what the system is and what it was made from, such as " debian " or " ubuntu debian ".
distribution() {
  local ID='' ID_LIKE=''
  # shellcheck source=/dev/null
  if [[ -r /etc/os-release ]]; then . /etc/os-release; fi
  echo " $ID $ID_LIKE "
}

# What `unshare` needs in order to mount: root rights, which an ordinary user has only in a new user
# namespace.
as_root=()
if ((EUID != 0)); then as_root=(--user --map-root-user); fi

check_may_mount() {
  local error advice="start the container with --privileged"
  if error=$(unshare --mount "${as_root[@]}" mount --rbind /usr /usr 2>&1); then return; fi
  if ((EUID != 0)); then
    advice="run ./bazelw as root, or in a container started with --privileged"
    if setting_is kernel/apparmor_restrict_unprivileged_userns 1; then # Ubuntu
      advice="have root run: sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    elif setting_is kernel/unprivileged_userns_clone 0; then # Debian 10
      advice="have root run: sysctl kernel.unprivileged_userns_clone=1"
    elif setting_is user/max_user_namespaces 0; then
      advice="have root run: sysctl user.max_user_namespaces=10000"
    fi
  fi
  die "this user may not mount in a namespace here (${error%%$'\n'*}); $advice"
}

setting_is() { [[ -r /proc/sys/$1 && $(</proc/sys/"$1") == "$2" ]]; }
