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
smes b2b b2c ip nda mou vitamin c ph ok tv id ceo cto phd black wagyu
"""
SAFE: Final = frozenset(_SAFE.split())
