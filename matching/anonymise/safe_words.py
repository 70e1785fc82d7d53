"""Words that English writes with a capital and that name nobody: plain data, made by hand."""

from typing import Final

_SAFE: Final = """
i monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays
fridays saturdays sundays january february march april may june july august september october
november december christmas new year english japanese chinese korean taiwanese french german
italian spanish asian european american british western eastern japan china korea taiwan france
germany italy spain europe asia america australia vietnam thailand indonesia singapore india
africa uk usa us eu ai ict iot it dx ev pv led lcd cpu gpu ram usb gps rfid nfc wifi wi-fi ble
bluetooth lora 5g 4g internet web sns app api pdf csv excel iso jis haccp gmp gap cod bod toc dna
rna pcr lc ms gc hplc nmr sem tem xrd uv ir ct mri ecg qr pos erp crm hr pr rd npo ngo tlo trl sme
smes b2b b2c ip nda mou vitamin c ph ok tv id ceo cto phd black wagyu cad cam cae plc cnc igbt sic
gan mosfet hepa kpi sdgs esg ghg lca msds sds pdca qc iqf mrp sku ec elisa gnss lpwa mqtt opc scada
hvac voc nox sox pvc pet pp pe abs ptfe peek cfrp frp mems asic fpga oem odm ltd r&d faq sop aed icu
vr ar xr ui ux saas
"""
SAFE: Final = frozenset(_SAFE.split())
