-- @noindex
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

-- An option of a job, as the protocol has it.
local function option(key, caption, default, read)
  return { key = key, caption = caption, default = default, read = read, job = true }
end

-- What only concerns these scripts.
local function own(key, caption, default, read)
  return { key = key, caption = caption, default = default, read = read, job = false }
end

-- In the order of the dialog, whose captions may hold no commas.
settings.FIELDS = {
  option("quality", "Quality: draft / live / best", "live", one_of("draft", "live", "best")),
  option("seconds", "Seconds to write", "8", number(0.1, 600)),
  option("seed", "Seed (another one: other notes)", "0", number(0, 2147483647, true)),
  option("temperature", "Temperature (0 to 5)", "1", number(0, 5)),
  option("density", "Density of notes (0 to 4)", "1", number(0, 4)),
  option("min_note", "Shortest note (s)", "0.03", number(0, 10)),
  own("hear", "Fill: hear the gap's audio? 0 or 1", "0", number(0, 1, true)),
  option("deliver", "Deliver: osc / both (plays on the port too)", "osc", one_of("osc", "both")),
  option("when", "If both: sound now / transport", "now", one_of("now", "transport")),
  own("spool", "Spool folder (empty: the usual one)", "", any),
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
