#!/usr/bin/env bash
# Installs, upgrades or removes the Perfusion Node as services of systemd; Debian 12 or newer, Ubuntu 24.04 or newer.
#
#   deploy/install.sh install [--runtime gpu] [--from WHEEL] [--dry-run]    first time, or an upgrade
#   deploy/install.sh remove [--purge] [--dry-run]                          --purge: settings, images and registry too
#
# Where things are: /opt/perfusion-node/VERSION (the program, `current` points at one), /etc/perfusion-node/node.toml (settings),
# /var/lib/perfusion-node (images, registry), user `perfusion`, log in the journal (journalctl -u perfusion-node).
# An upgrade keeps the version before and a backup of the registry beside it; if the new one does not come up, the old one is put back.
set -euo pipefail

program=/opt/perfusion-node
settings=/etc/perfusion-node/node.toml
data=/var/lib/perfusion-node
units=/etc/systemd/system
service=perfusion-node.service
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
action='' runtime='' wheel='' dry='' purge=''

usage() {
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit "${1:-2}"
}

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

# What changes the machine goes through here: --dry-run prints it instead.
run() {
  if [ -n "$dry" ]; then
    printf 'would run: %s\n' "$*"
  else
    "$@"
  fi
}

as_node() {
  run runuser -u perfusion -- env "PERFUSION_NODE_CONFIG=$settings" "$@"
}

read_arguments() {
  [ $# -gt 0 ] || usage
  case $1 in install | remove) action=$1 ;; -h | --help) usage 0 ;; *) usage ;; esac
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --runtime) runtime=${2:-}; shift ;;
      --from) wheel=${2:-}; shift ;;
      --dry-run) dry=yes ;;
      --purge) purge=yes ;;
      -h | --help) usage 0 ;;
      *) usage ;;
    esac
    shift
  done
  case $runtime in '' | cpu | gpu) ;; *) usage ;; esac
}

# cpu or gpu: as told, else as installed before, else cpu.
chosen_runtime() {
  if [ -n "$runtime" ]; then
    echo "$runtime"
  elif [ -r "$program/current/runtime" ]; then
    cat "$program/current/runtime"
  else
    echo cpu
  fi
}

check_machine() {
  [ "$(id -u)" -eq 0 ] || [ -n "$dry" ] || fail 'it needs root: sudo deploy/install.sh ...'
  command -v systemctl >/dev/null || fail 'there is no systemd on this machine; see docs/installation.md, or run: perfusion-node up'
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail 'it needs Python 3.11 or newer: apt-get install python3 python3-venv'
  python3 -c 'import ensurepip' 2>/dev/null || fail 'it needs the venv module: apt-get install python3-venv'
}

make_user() {
  getent passwd perfusion >/dev/null ||
    run useradd --system --home-dir "$data" --no-create-home --shell /usr/sbin/nologin perfusion
  run install -d -o perfusion -g perfusion -m 0750 "$data"
  run install -d -o root -g perfusion -m 0750 "$(dirname "$settings")"
}

# A folder of its own for every installed version, so that the one before stays as it was.
install_program() {
  local target=$1 kind=$2
  run install -d -m 0755 "$program"
  run python3 -m venv "$target"
  run "$target/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    -r "$here/requirements-$kind.txt"
  run "$target/bin/pip" install --quiet --disable-pip-version-check --no-deps "${wheel:-$here/..}"
  [ -n "$dry" ] || echo "$kind" >"$target/runtime"
  [ ! -r "$here/../README.md" ] || run install -m 0644 "$here/../README.md" "$target/README.md"
}

write_settings() {
  [ ! -e "$settings" ] || return 0
  if [ -n "$dry" ]; then
    echo "would write: $settings"
    return 0
  fi
  {
    echo "# Settings of the Perfusion Node; every key with its meaning: perfusion-node settings init"
    echo "data_dir = \"$data\""
    echo
    echo '[scp]'
    echo '# host = "0.0.0.0"             # default: 127.0.0.1, this machine only'
    echo
    echo '# [[destinations]]             # where results go'
    echo '# name = "pacs"'
    echo '# ae_title = "PACS"'
    echo '# host = "10.0.0.5"'
    echo '# port = 104'
  } >"$settings"
  chown root:perfusion "$settings"
  chmod 0640 "$settings"
}

install_units() {
  local kind=$1 unit
  for unit in "$here"/systemd/*.service; do
    run install -m 0644 "$unit" "$units/"
  done
  for unit in perfusion-node.service perfusion-node-worker@analyse.service; do
    if [ "$kind" = gpu ]; then
      run install -D -m 0644 "$here/systemd/gpu.conf" "$units/$unit.d/gpu.conf"
    else
      run rm -f "$units/$unit.d/gpu.conf"
    fi
  done
  run systemctl daemon-reload
}

# The command for people: as the node's user and with its settings, whoever types it with sudo.
install_command() {
  if [ -n "$dry" ]; then
    echo 'would write: /usr/local/bin/perfusion-node'
    return 0
  fi
  cat >/usr/local/bin/perfusion-node <<COMMAND
#!/bin/sh
# Written by deploy/install.sh: the installed node's command, with its settings.
PERFUSION_NODE_CONFIG=\${PERFUSION_NODE_CONFIG:-$settings}
export PERFUSION_NODE_CONFIG
if [ "\$(id -u)" -eq 0 ]; then
  exec runuser -u perfusion -- $program/current/bin/perfusion-node "\$@"
fi
exec $program/current/bin/perfusion-node "\$@"
COMMAND
  chmod 0755 /usr/local/bin/perfusion-node
}

back_up_registry() {
  [ -e "$data/registry.sqlite" ] || return 0
  run install -d -o perfusion -g perfusion -m 0750 "$data/backup"
  local name
  name=$data/backup/before-$(date +%Y%m%dT%H%M%S)
  as_node "$program/current/bin/perfusion-node" backup --to "$name.tar.gz" && return 0
  echo 'The installed version does not run: its registry is copied as it is.' >&2
  run systemctl stop "$service"
  run install -d -o perfusion -g perfusion -m 0750 "$name"
  run cp -p "$data"/registry.sqlite* "$name/"
}

# Up is up for a while: a service that dies is started again five seconds later, and counted.
is_up() {
  for _ in $(seq 45); do
    sleep 1
    [ "$(systemctl show --property NRestarts --value "$service")" -eq 0 ] || return 1
  done
  systemctl is-active --quiet "$service"
}

switch_to() {
  run ln -sfn "$1" "$program/current.new"
  run mv -Tf "$program/current.new" "$program/current"
}

install_node() {
  local chosen target before=''
  check_machine
  chosen=$(chosen_runtime)
  target=$program/$(date +%Y%m%dT%H%M%S)
  [ ! -L "$program/current" ] || before=$(readlink "$program/current")
  make_user
  echo "Installing into $target (mostly downloads) ..."
  install_program "$target" "$chosen"
  run "$target/bin/perfusion-node" --help >/dev/null || fail "the new version in $target does not run; nothing was changed"
  write_settings
  if [ -n "$before" ]; then
    back_up_registry
    run systemctl stop "$service"
  fi
  switch_to "$target"
  install_units "$chosen"
  install_command
  run systemctl enable --quiet "$service"
  start_or_go_back "$before"
  remove_older "$before" "$target"
  echo "Installed. Next: edit $settings, then"
  echo '  sudo perfusion-node check && sudo systemctl restart perfusion-node'
}

start_or_go_back() {
  local before=$1
  if [ -n "$dry" ] || ! systemctl is-system-running >/dev/null 2>&1 && [ ! -d /run/systemd/system ]; then
    run systemctl start "$service"
    return 0
  fi
  systemctl restart "$service"
  is_up && return 0
  [ -n "$before" ] || fail "it does not come up; see: journalctl -u $service"
  switch_to "$before"
  systemctl restart "$service"
  fail "the new version does not come up (journalctl -u $service); the one before runs again. If the new one had changed the registry's schema, the old one says so: perfusion-node restore the newest file of $data/backup"
}

# The running version and the one before stay.
remove_older() {
  local each
  for each in "$program"/20*; do
    case $each in "$1" | "$2") ;; *) [ ! -d "$each" ] || run rm -rf "$each" ;; esac
  done
}

remove_node() {
  local unit
  [ "$(id -u)" -eq 0 ] || [ -n "$dry" ] || fail 'it needs root: sudo deploy/install.sh remove'
  for unit in "$units"/perfusion-node*.service; do
    [ -e "$unit" ] || continue
    run systemctl disable --quiet --now "$(basename "$unit" | sed 's/@\./@*./')" || true
    run rm -rf "$unit" "$unit.d"
  done
  run rm -rf "$units/perfusion-node-worker@analyse.service.d"
  run systemctl daemon-reload
  run rm -rf "$program" /usr/local/bin/perfusion-node
  if [ -n "$purge" ]; then
    run rm -rf "$data" "$(dirname "$settings")"
    ! getent passwd perfusion >/dev/null || run userdel perfusion
    echo 'Removed, with settings, images and registry.'
  else
    echo "Removed. Kept: $settings and $data (--purge removes them)."
  fi
}

read_arguments "$@"
"${action}_node"
