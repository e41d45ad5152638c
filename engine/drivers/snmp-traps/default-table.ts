/** What common notifications mean (PROTOCOLS §5); the operator's copy in the device dialog is what counts. */
export const defaultTable = `# OID (exact, or a prefix with .*)  type  start|stop|pulse  settings  "text"
# key=OID    what tells one condition from another: the value of that varbind; key=#OID its index
# rule=name  a fixed name instead    when=OID=value  only with that value    quiet=s  ends by itself
# level=alarm|pre-alarm

# Start of an agent, logins (RFC 1907)
1.3.6.1.6.3.1.1.5.1 vendor:coldStart pulse "started"
1.3.6.1.6.3.1.1.5.2 vendor:warmStart pulse "started anew"
1.3.6.1.6.3.1.1.5.5 login-failure pulse "SNMP authentication failure"

# Links (RFC 2863), one for each interface
1.3.6.1.6.3.1.1.5.3 network-fault start key=1.3.6.1.2.1.2.2.1.1,#1.3.6.1.2.1.2.2.1.8,#1.3.6.1.2.1.2.2.1.7,#1.3.6.1.2.1.2.2.1.2 "link down"
1.3.6.1.6.3.1.1.5.4 network-fault stop key=1.3.6.1.2.1.2.2.1.1,#1.3.6.1.2.1.2.2.1.8,#1.3.6.1.2.1.2.2.1.7,#1.3.6.1.2.1.2.2.1.2 "link up"

# UPS (RFC 1628); "on battery" is repeated every minute and has no end of its own
1.3.6.1.2.1.33.2.1 power-fault start rule=on-battery quiet=150 "UPS on battery"
1.3.6.1.2.1.33.2.2 vendor:upsTestCompleted pulse "UPS test done"
1.3.6.1.2.1.33.2.3 power-fault start rule=on-battery when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.2 "UPS on battery"
1.3.6.1.2.1.33.2.4 power-fault stop rule=on-battery when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.2 "UPS back on mains"
1.3.6.1.2.1.33.2.3 power-fault start rule=low-battery when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.3 "UPS battery low"
1.3.6.1.2.1.33.2.4 power-fault stop rule=low-battery when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.3 "UPS battery charged"
1.3.6.1.2.1.33.2.3 overheat start rule=ups when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.5 "UPS too hot"
1.3.6.1.2.1.33.2.4 overheat stop rule=ups when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.5 "UPS no longer too hot"
1.3.6.1.2.1.33.2.3 device-fault start rule=ups-communication when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.20 "UPS does not answer its card"
1.3.6.1.2.1.33.2.4 device-fault stop rule=ups-communication when=1.3.6.1.2.1.33.1.6.2.1.2=1.3.6.1.2.1.33.1.6.3.20 "UPS answers its card"
1.3.6.1.2.1.33.2.3 power-fault start key=1.3.6.1.2.1.33.1.6.2.1.2 "UPS alarm"
1.3.6.1.2.1.33.2.4 power-fault stop key=1.3.6.1.2.1.33.1.6.2.1.2 "UPS alarm over"

# APC UPS (PowerNet)
1.3.6.1.4.1.318.0.5 power-fault start rule=on-battery "UPS on battery"
1.3.6.1.4.1.318.0.9 power-fault stop rule=on-battery "UPS back on mains"
1.3.6.1.4.1.318.0.7 power-fault start rule=low-battery "UPS battery low"
1.3.6.1.4.1.318.0.11 power-fault stop rule=low-battery "UPS battery charged"

# Bridges (RFC 4188)
1.3.6.1.2.1.17.0.1 vendor:newRoot pulse "spanning tree: new root"
1.3.6.1.2.1.17.0.2 vendor:topologyChange pulse "spanning tree: topology changed"

# Power over Ethernet (RFC 3621), one for each port: 3 is delivering power
1.3.6.1.2.1.105.0.1 power-fault stop key=#1.3.6.1.2.1.105.1.1.1.6 when=1.3.6.1.2.1.105.1.1.1.6=3 "PoE port on"
1.3.6.1.2.1.105.0.1 power-fault start key=#1.3.6.1.2.1.105.1.1.1.6 "PoE port off"

# Disks of Net-SNMP agents (monitor of dskErrorFlag by RFC 2981)
1.3.6.1.2.1.88.2.0.1 storage-full start key=1.3.6.1.2.1.88.2.1.4 when=1.3.6.1.2.1.88.2.1.4=1.3.6.1.4.1.2021.9.1.100.* "disk low on space"
1.3.6.1.2.1.88.2.0.2 storage-full start key=1.3.6.1.2.1.88.2.1.4 when=1.3.6.1.2.1.88.2.1.4=1.3.6.1.4.1.2021.9.1.100.* "disk low on space"
1.3.6.1.2.1.88.2.0.3 storage-full stop key=1.3.6.1.2.1.88.2.1.4 when=1.3.6.1.2.1.88.2.1.4=1.3.6.1.4.1.2021.9.1.100.* "disk has space again"

# RAID of HPE Smart Array (CPQIDA): 2 is ok
1.3.6.1.4.1.232.0.3034 raid-fault stop key=#1.3.6.1.4.1.232.3.2.3.1.1.4 when=1.3.6.1.4.1.232.3.2.3.1.1.4=2 "logical drive ok"
1.3.6.1.4.1.232.0.3034 raid-fault start key=#1.3.6.1.4.1.232.3.2.3.1.1.4 "logical drive degraded or failed"
1.3.6.1.4.1.232.0.3046 storage-fault stop key=#1.3.6.1.4.1.232.3.2.5.1.1.6 when=1.3.6.1.4.1.232.3.2.5.1.1.6=2 "drive ok"
1.3.6.1.4.1.232.0.3046 storage-fault start key=#1.3.6.1.4.1.232.3.2.5.1.1.6 "drive failed or about to fail"
`;
