-- What the user has chosen, kept in REAPER's own store from one session to the next.

local settings = {}

settings.SECTION = "diffroll-live"

local function one_of(...)
  local choices = { ... }
  return function(text)
    for _, choice in ipairs(choices) do
      if text == choice then return text end
    end
    return nil
  end
end

local function number(low, high, whole)
  return function(text)
    local value = tonumber(text)
    if not value or value < low or value > high or (whole and value ~= math.floor(value)) then return nil end
    return whole and math.tointeger(value) or value
  end
end

local function any(text)
  return text
end

-- In the order of the dialog, whose captions may hold no commas. Those with `job` are options of a job as the protocol has them.
settings.FIELDS = {
  { key = "quality", caption = "Quality: draft / live / best", default = "live", read = one_of("draft", "live", "best"), job = true },
  { key = "seconds", caption = "Seconds to write", default = "8", read = number(0.1, 600), job = true },
  { key = "seed", caption = "Seed (another one: other notes)", default = "0", read = number(0, 2147483647, true), job = true },
  { key = "temperature", caption = "Temperature (0 to 5)", default = "1", read = number(0, 5), job = true },
  { key = "density", caption = "Density of notes (0 to 4)", default = "1", read = number(0, 4), job = true },
  { key = "min_note", caption = "Shortest note (s)", default = "0.03", read = number(0, 10), job = true },
  { key = "hear", caption = "Fill: hear the gap's audio? 0 or 1", default = "0", read = number(0, 1, true) },
  { key = "deliver", caption = "Deliver: osc / both (plays on the port too)", default = "osc", read = one_of("osc", "both"), job = true },
  { key = "when", caption = "If both: sound now / transport", default = "now", read = one_of("now", "transport"), job = true },
  { key = "spool", caption = "Spool folder (empty: the usual one)", default = "", read = any },
}

-- Give all settings by key. A stored value that makes no sense is the default again.
function settings.current()
  local values = {}
  for _, field in ipairs(settings.FIELDS) do
    local stored = reaper.GetExtState(settings.SECTION, field.key) -- empty when there is none
    local value = stored ~= "" and field.read(stored) or nil
    if value == nil then value = field.read(field.default) end
    values[field.key] = value
  end
  return values
end

-- Store what a dialog gave: one string for each field. Gives nil, or the caption of the first that makes no sense;
-- then nothing is stored.
function settings.store(texts)
  for i, field in ipairs(settings.FIELDS) do
    if field.read(texts[i] or "") == nil then return field.caption end
  end
  for i, field in ipairs(settings.FIELDS) do
    reaper.SetExtState(settings.SECTION, field.key, texts[i], true)
  end
  return nil
end

return settings
