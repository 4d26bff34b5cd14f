"""Names that columns of one meaning have, in English, German, French, Spanish and Italian."""

from __future__ import annotations

import re
import unicodedata

NAMES = {
    "event_at": """event_at event_time event_timestamp timestamp occurred_at created_at datetime date time ts at
        invoicedate order_date transaction_timestamp started_at changed_at sold_at visit_time
        zeitstempel zeitpunkt datum bestelldatum kaufdatum buchungsdatum rechnungsdatum
        horodatage date_commande date_achat fecha_hora fecha fecha_pedido fecha_compra data_ora data data_ordine""",
    "received_at": "received_at ingested_at collector_tstamp loaded_at load_time inserted_at server_time",
    "event_id": "event_id eventid message_id messageid uuid insert_id hit_id id",
    "user_id": """user_id userid customer_id customerid customer_no customer_number customer_nr cust_id client_id
        visitor_id member_id person_id contact_id account_id household_id subscriber_id buyer_id shopper_id distinct_id
        user_pseudo_id anonymous_id user username login customer visitor client uid cid
        kundennummer kundennr kunden_id kunden_nr kunde benutzer_id benutzer nutzer_id nutzer mitgliedsnummer debitor
        id_client numero_client no_client code_client id_utilisateur utilisateur identifiant
        id_cliente numero_cliente cod_cliente cliente id_usuario usuario socio
        codice_cliente id_utente utente email e_mail email_address mail correo courriel""",
    "event_name": """event_name event action event_type eventtype activity type name page url
        vorgang ereignis aktion evenement evento accion azione""",
    "platform": "platform os app_platform device_os device device_type plattform plateforme plataforma",
    "device_type": "device_type device device_category",
    "channel": "channel utm_medium medium acquisition_channel source_medium traffic_source kanal canal canale",
    "session_hint": "session_id sessionid visit_id ga_session_id basket_id",
    "value": """value revenue amount total price sales_value order_value betrag gesamtbetrag umsatz summe preis
        montant montant_total prix importe importe_total monto valor precio importo importo_totale prezzo valore
        totale""",
    "currency": "currency currency_code iso_currency waehrung wahrung devise moneda divisa valuta",
    "duration_ms": "duration_ms",
}
"""Field -> names that columns of that meaning usually have, best first; case, accents and punctuation do not matter."""
ROW_NUMBERS = "index rownumber rownum row rowid rowno nr no lfdnr lfd zeile ligne fila riga level0 indexlevel0 num n"
"""Names of columns that only number the rows, beside those without a name."""
CONVERSIONS = re.compile(
    "purchas|order|checkout.?complete|bought|buy|paid|payment|sale|subscri|deal.?won|closed.?won"
    "|kauf|bestell|bezahl|achat|commande|paye|compra|pedido|pago|acquist|ordin|vendita",
    re.IGNORECASE,
)
"""Parts of event names that sound like a purchase."""
PURCHASES = re.compile(
    r"purchased?|(order|checkout)[ _]?(complete|completed|paid|placed)|buy|bought|sale|sold|kauf|gekauft|bestellung"
    r"|achat|commande|compra|pedido|venta|acquisto|ordine|vendita",
    re.IGNORECASE,
)
"""Event names that are purchases and nothing else."""
REFUNDS = re.compile(
    r"refund(ed)?|return(ed)?|cancellation|order[ _]?refunded|retoure|storno|erstattung|rückgabe|retour|remboursement"
    r"|devoluci(o|ó)n|reembolso|reso|rimborso",
    re.IGNORECASE,
)
"""Event names that take a purchase back."""
ACTIONS = re.compile(
    r"\b(view|click|cart|log.?in|sign.?up|visit|search|open|checkout|refund|return|cancel"
    r"|aufruf|ansicht|klick|warenkorb|suche|anmeldung|retoure|storno|vue|clic|panier|recherche|connexion|retour"
    r"|vista|carrito|busqueda|devolucion|carrello|ricerca|accesso|reso)",
    re.IGNORECASE,
)
"""Parts of values that name an action of a user."""


def plain_name(name: str) -> str:
    """Return a name without case, accents, blanks and punctuation."""
    bare = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
    return re.sub(r"[^a-z0-9]", "", bare)


def is_row_number_name(name: str) -> bool:
    """Return whether a column is called as one that numbers rows, or has no name."""
    plain = plain_name(name)
    return re.fullmatch(r"(unnamed\d*|c\d+)?", plain) is not None or plain in ROW_NUMBERS.split()
