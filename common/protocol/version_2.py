"""What messages of version 2 of the protocol may hold, frozen: nothing that came later is said to whoever speaks it.

Of each dataclass that travels its fields. Nothing is ever added here; the next version gets a table of its own, and
this one goes when version 2 is served no more.
"""

from __future__ import annotations

_TABLE = """
Ack: number
AgentInfo: address bound_ns clock_source connected facts links memory_bytes name offset_ns packets_per_s
    packets_per_s_taken runs silent_ns version waiting
Agents: agents controller version
AppliedChange: at_ns before by change
ApplyChange: by change link
Arm: t0_ns
Armed: bound_ns source
Artifact: data link name number
Assignment: host link memory_bytes packets_per_s
Budget: lateness_ns skew_ns workload_ns
Cancel: cause run
Capacity: amount unit
ChangeLink: change link run
Changed: applied link
Clean: run
ClockDiscipline: max_error_ns reference source
ClockIdentity: boot_id time_namespace
ClockQuery: t1_ns
ClockReply: t1_ns t2_ns t3_ns unsettled wall
Commit: t0_ns
DirectionResult: arrived_bytes arrived_packets ce_marked_packets corrupted_packets delivered_bytes delivered_packets
    dropped_aqm_bytes dropped_aqm_packets dropped_queue_full_bytes dropped_queue_full_packets
    dropped_random_loss_bytes dropped_random_loss_packets duplicated_packets late_packets lateness_max_ns
    lateness_p50_ns lateness_p99_ns lateness_packets lost_late lost_memory lost_ring lost_send packet_log_lost
    served_bytes served_packets
Done: what
EndBooks: carrier_changes egress_drops ingress_drops interface present qdisc rx_dropped rx_errors rx_packets
    same_index tx_dropped tx_errors tx_packets xdp
Events: events number offset_ns
FileInfo: path size
FilePart: data offset over size
Files: files
Finished: links
Flow: congestion_control end link local local_port remote remote_port socket
Gap: first number
Goodbye: cause
Heartbeat: answer notice
Hello: agent capacity clock facts pid simulated version
HostCapacity: memory_bytes packets_per_s workers
Impairments: duplicate_delay_ns jitter loss
InterfaceChange: at_ns falsifies gone interface what
InterfaceWatch: changes ends from_ns missed_events more_changes passages settled until_ns
Jitter: correlation correlation_time_ns distribution reorder table
LinkChange: down hold up
LinkChanged: applied link
LinkPlan: arp down impairments index mtu name overhead_bytes packets queue queue_down reconfiguration start up
    workloads
LinkReadiness: cause check io link
LinkRequest: hosts hosts_place plan
LinkResult: cause down from_ns interfaces limits link scenario_start_ns until_ns up worker workloads
LinkStart: link planned_ns started_ns
LinkState: cause down host link state up
ListAgents:
ListFiles: run
ListRuns: limit
Loss: bad_ppb good_ppb listed model p_ppb pattern_ppb r_ppb
NotArmed: cause
Packets: direction link number records
Passage: arrived_packets delivered_packets direction lost_ring missing_in missing_out received_packets refused_packets
    sent_packets
Prepare: exchange_gap_ns exchanges plan
Prepared: facts links
Problem: column file line text
Queue: capacity discipline parameters
ReadFile: length offset path run
ReadRun: run
Ready: file tcp udp
Reconfiguration: delay_ns mode
Refused: cause
Release:
Released:
Report: finished number
Repository: changed commit compared files name
RunInfo: cause hosts labels links name phase run submitted_by submitted_utc verdict
RunPlan: budget duration_ns links run sample_interval_ns seed socket_stats_ns
RunRequest: budget duration_ns labels links name repositories sample_interval_ns seed socket_stats_ns sources warnings
RunState: duration_ns info links now_ns t0_ns waits
Runs: runs
SocketStats: columns flows number offset_ns
SourceFile: deflated path
Started: bound_ns links
Status: bound_ns clock_source memory_bytes offset_ns round_trip_ns waiting
Stop: cause
Submit: command force plan_only policy report request wait
Submitted: assignments run waits warnings
Telemetry: columns links number offset_ns
WallReading: discipline monotonic_ns sampling_ns wall_minus_monotonic_ns
Welcome: acknowledged clock controller exchange_gap_ns
WorkerGap: begin_ns length_ns
WorkerWatch: from_ns gap_count gaps greatest_gap_ns overdue_ns overdue_packets passes stalled_ns until_ns
Workload: at command env name ready start_ns timeout_ns user
WorkloadResult: at cause ended_ns executed_ns name planned_ns status
"""

FIELDS: dict[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for line in _TABLE.replace("\n    ", " ").strip().splitlines()
    for name, _, fields in [line.partition(":")]
}
