#!/bin/bash
# Scenarios and variants of linnet that the load generator does not have; run.sh
# puts this behind its scenarios.sh.
#
#	login-contacts		logins with fifty contacts each, all of whom come on line
#	idle-contacts		sessions with fifty contacts each
#	durable			200 senders to 200 offline users, acknowledged (XEP-0198) when stored
#	linnet:one		one worker		linnet:carbons	with that module
#
# SPDX-License-Identifier: MIT

eval "$(declare -f scenario | sed '1s/scenario/generators_scenario/')"
eval "$(declare -f use_server | sed '1s/use_server/generators_use_server/')"
SCENARIOS="$SCENARIOS login-contacts idle-contacts durable"

scenario() {
    case $1 in
    login-contacts)
        generators_scenario login
        contacts ;;
    idle-contacts)
        generators_scenario idle
        contacts ;;
    durable)
        generators_scenario chat
        COMMAND=durable ACCOUNTS=400 NEEDS="sm offline" DATA=fresh UNIT="us/stored msg"
        ARGS=(--users 400 --window 10 --duration "${DURATION:-10}" --ids /dev/null) ;;
    *)
        generators_scenario "$1" ;;
    esac
}

contacts() {
    ACCOUNTS=1000 DATA=contacts
    SETUP=(roster --users 1000 --contacts 50 --timeout 300)
    ARGS[1]=1000
}

use_server() {
    generators_use_server "$@"
    case $1 in linnet:*) ;; *) return ;; esac
    eval "$(declare -f server_configure | sed '1s/server_configure/generators_configure/')"
    server_configure() {
        generators_configure
        ! variant one || echo "workers: 1" >> "$RUN/linnet.yaml"
        ! variant carbons || sed -i 's/^modules:$/&\n  carbons:/' "$RUN/linnet.yaml"
    }
}
