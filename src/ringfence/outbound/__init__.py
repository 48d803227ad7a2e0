"""What playbooks call outside by HTTP: with which credentials, and where they may."""
